"""What is known of a recording beside its frames, for files that take little or none of it."""

from __future__ import annotations

from framefold.conversion.decoding import Written
from framefold.formats import FileDataSet

_MOST_TEXT = 200


def plain_metadata(data_set: FileDataSet) -> dict[str, object]:
    """Small values of the metadata, by their names."""
    return {
        str(name): value
        for name, value in data_set.acquisition.metadata.items()
        if isinstance(value, bool | int | float | str) and len(str(value)) < _MOST_TEXT
    }


def what_is_lost(data_set: FileDataSet, written: Written) -> tuple[str, ...]:
    """What a file of pixels alone does not tell, a sentence each."""
    acquisition = data_set.acquisition
    lost = []
    lacking = acquisition.scan.size - written.decoded
    if lacking:
        lost.append(f"{lacking} positions without a frame are zero")
    if acquisition.mask.blanks:
        lost.append("masked pixels are zero")
    return tuple(lost)
