"""What a detector said of itself, as NeXus names it, with units."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefold.codecs import decode_one
from framefold.errors import CodecError


@dataclass(frozen=True, slots=True)
class Fact:
    """One value.

    Parameters
    ----------
    place : str
        Path below the group ``instrument``.
    value : object
        What HDF5 takes.
    units : str
        Empty where it has none.
    """

    place: str
    value: object
    units: str = ""


_NAMES = {
    # by the detector's name, of stream v1 or v2; NeXus: NXdetector, NXbeam; units of the SIMPLON
    # API reference
    "count_time": ("detector/count_time", "s"),
    "frame_time": ("detector/frame_time", "s"),
    "detector_readout_time": ("detector/detector_readout_time", "s"),
    "bit_depth_image": ("detector/bit_depth_image", ""),
    "bit_depth_readout": ("detector/bit_depth_readout", ""),
    "beam_center_x": ("detector/beam_center_x", "pixel"),
    "beam_center_y": ("detector/beam_center_y", "pixel"),
    "x_pixel_size": ("detector/x_pixel_size", "m"),
    "y_pixel_size": ("detector/y_pixel_size", "m"),
    "pixel_size_x": ("detector/x_pixel_size", "m"),
    "pixel_size_y": ("detector/y_pixel_size", "m"),
    "sensor_material": ("detector/sensor_material", ""),
    "sensor_thickness": ("detector/sensor_thickness", "m"),
    "description": ("detector/description", ""),
    "detector_description": ("detector/description", ""),
    "detector_number": ("detector/serial_number", ""),
    "detector_serial_number": ("detector/serial_number", ""),
    "detector_distance": ("detector/distance", "m"),
    "saturation_value": ("detector/saturation_value", ""),
    "countrate_correction_count_cutoff": ("detector/saturation_value", ""),
    "pixel_mask_applied": ("detector/pixel_mask_applied", ""),
    "pixel_mask_enabled": ("detector/pixel_mask_applied", ""),
    "flatfield_correction_applied": ("detector/flatfield_applied", ""),
    "flatfield_enabled": ("detector/flatfield_applied", ""),
    "photon_energy": ("beam/incident_energy", "eV"),
    "incident_energy": ("beam/incident_energy", "eV"),
    "wavelength": ("beam/incident_wavelength", "angstrom"),
    "incident_wavelength": ("beam/incident_wavelength", "angstrom"),
}
_ARRAYS = {"pixel_mask": "detector/pixel_mask", "flatfield": "detector/flatfield"}
_MOST_ARRAY_BYTES = 1 << 28
_MOST_TEXT = 1 << 16


def detector_facts(metadata: Mapping[str, object], sig_shape: tuple[int, ...]) -> Iterator[Fact]:
    """What can be told to NeXus readers.

    Parameters
    ----------
    metadata : mapping
        What the header held, by the detector's own names.
    sig_shape : tuple of int
        Shape of a frame; arrays of another one are left out.

    Yields
    ------
    Fact
        Under NeXus' name where it has one, else under the detector's own, below
        ``detector/detectorSpecific``; no place twice.
    """
    seen: set[str] = set()
    for name, value in metadata.items():
        place, units = _NAMES.get(name, (f"detector/detectorSpecific/{name}", ""))
        if name in _ARRAYS:
            place, units = _ARRAYS[name], ""
            found: object = decoded(value, sig_shape)
        elif "/" in name or name in ("", "."):
            continue
        else:
            found = _plain(value)
        if found is not None and place not in seen:
            seen.add(place)
            yield Fact(place, found, units)


def decoded(value: object, sig_shape: tuple[int, ...]) -> NDArray[Any] | None:
    """An array of a frame's shape, decoded where it came compressed; None for anything else."""
    found: Any = value
    if hasattr(value, "encoding"):
        try:
            found = decode_one(found.encoding, found.data, found.dtype, found.shape)
        except CodecError:
            return None
    if not isinstance(found, np.ndarray) or found.shape != tuple(sig_shape):
        return None
    return found if found.nbytes <= _MOST_ARRAY_BYTES else None


def _plain(value: object) -> object:
    """A value as HDF5 takes it; None for what is no plain value."""
    if isinstance(value, np.ndarray):
        return value if value.size <= 4096 and value.dtype.kind in "buif" else None
    if isinstance(value, str):
        return value[:_MOST_TEXT].replace("\0", "")
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, list | tuple | dict):
        numbers = isinstance(value, list | tuple) and all(
            isinstance(one, int | float) and abs(one) < 2**63 for one in value
        )
        if numbers and value:
            return np.array(value)
        text = as_json(value)
        return text if len(text) <= _MOST_TEXT else None
    return None


def as_json(value: object) -> str:
    """JSON of whatever is plain in a value; the rest as a word for what it is."""
    return json.dumps(value, default=lambda other: f"<{type(other).__name__}>")
