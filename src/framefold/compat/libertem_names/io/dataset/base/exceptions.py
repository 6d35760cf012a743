"""``libertem.io.dataset.base.exceptions``: exceptions."""

from framefold.errors import FramefoldError as DataSetException

__all__ = ["DataSetException"]
