"""What a run would do, shown before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from framefold.api.plots import dry_run
from framefold.core.reader import DataSet, Reader
from framefold.udf import UDF


class RunDescription:
    """Shapes, pixel types and buffers of a run; a notebook shows it as a table.

    Parameters
    ----------
    dataset : DataSet or Reader
    udf : UDF
    roi : optional
        As for `framefold.Context.run_udf`.
    """

    def __init__(self, dataset: DataSet | Reader, udf: UDF, roi: Any = None) -> None:
        reduction = dry_run(dataset, udf, roi)
        acquisition, spec = dataset.acquisition, reduction.spec
        self.name = type(udf).__name__
        self.facts: tuple[tuple[str, str], ...] = (
            ("data", acquisition.source),
            ("scan", str(acquisition.nav_shape)),
            ("detector", str(acquisition.sig_shape)),
            ("pixels as recorded", str(spec.dtype)),
            ("pixels as the UDF gets them", str(spec.input_dtype)),
            ("method", spec.intent),
        )
        self.channels: tuple[tuple[str, ...], ...] = tuple(
            (name, b.kind, str(b.extra_shape), str(b.dtype), str(b.data.shape))
            for name, b in reduction.results(0).items()
        )

    def _repr_html_(self) -> str:
        head = ("result", "kind", "extra shape", "type", "shape")
        return f"<h4>{escape(self.name)}</h4>{_table(self.facts)}{_table(self.channels, head=head)}"

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}: {value}" for name, value in self.facts)
        channels = "; ".join(" ".join(row) for row in self.channels)
        return f"<{self.name} on {facts}; results: {channels or 'none'}>"


def _table(rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{f'<tr>{top}</tr>' if top else ''}{body}</table>"
