"""Where things stand in the HDF5 recordings that framefold writes: one list for both sides."""

from __future__ import annotations

ENTRY = "/entry"
DATA_GROUP = f"{ENTRY}/data"
FRAMES = f"{DATA_GROUP}/data"
"""In a data file the frames of its positions, shape (positions, rows, columns)."""
TIME = f"{DATA_GROUP}/time"
DETECTOR = f"{ENTRY}/instrument/detector"
SPECIFIC = f"{DETECTOR}/detectorSpecific"
PIXEL_MASK = f"{DETECTOR}/pixel_mask"
OURS = f"{ENTRY}/framefold"
FACTS = f"{OURS}/acquisition"
"""What was known of the measurement, as JSON."""
LOSSES = f"{OURS}/losses"
STATE = "state"
"""Attribute of `OURS`: one of the states below."""
REASON = "reason"
"""Attribute of `OURS`: the state in a sentence."""
LAYOUT = "layout"
"""Attribute of `OURS`: the number of this layout."""
LAYOUT_NUMBER = 1

RECORDING = "recording"
COMPLETE = "complete"
ABORTED = "aborted"
"""The acquisition ended without all its frames; everything that came is there."""
STOPPED = "stopped"
"""The recording could not go on, the acquisition did."""
INTERRUPTED = "interrupted"
"""Whoever recorded died."""


def data_name(file: int) -> str:
    """Name of the link to a data file in the master, by its number from 0."""
    return f"data_{file + 1:06d}"
