"""UDFRunner under LiberTEM's name: what it tells about a UDF before a run."""

from __future__ import annotations

from typing import Any

from framefold.api.plots import dry_run
from framefold.core.reader import DataSet, Reader
from framefold.udf import UDF, BufferWrapper


class UDFRunner:
    """Looks at UDFs; `framefold.Context.run_udf` is what runs them."""

    @staticmethod
    def inspect_udf(
        udf: UDF, dataset: DataSet | Reader, roi: Any = None
    ) -> dict[str, BufferWrapper]:
        """The results a UDF would have, with zeros in them."""
        return dry_run(dataset, udf, roi).results(0)
