"""``libertem.io.dataset.base.exceptions``: exceptions."""

from framefold.errors import DataError as DataSetException

__all__ = ["DataSetException"]
