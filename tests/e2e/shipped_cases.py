"""Every shipped UDF with its parameters, and the formula it is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from e2e import numpy_detectors as det
from e2e import numpy_references as ref
from e2e.numpy_com import com
from framefold.analyses.radial_fourier import radial_fourier_masks

Array = NDArray[Any]

NATIVE = {"max", "noop", "pick", "pick_shifted", "signal_monitor"}
"""Hand over pixels as recorded, if no other UDF of the run asks for more."""


@dataclass(frozen=True)
class Case:
    """A UDF by name, its parameters, and what it should give."""

    name: str
    reference: Callable[..., ref.Table]
    parameters: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] | None = None
    """Parameters of the reference, where they are not those of the UDF."""

    def expected(self, scan: ref.Scan) -> ref.Table:
        told = self.parameters if self.told is None else self.told
        return self.reference(scan, **told)


class Given:
    """Hands over what it was given: a factory of masks."""

    def __init__(self, masks: Any) -> None:
        self.masks = masks

    def __call__(self) -> Any:
        return self.masks


def corner_and_largest(frame: Array) -> Array:
    """A function as users write them."""
    return np.array([frame[1, 2], frame.max()])


def auto(scan: ref.Scan, **_: Any) -> ref.Table:
    found = np.stack([scan.frames[:, 1, 2], scan.frames.max(axis=(1, 2))], axis=-1)
    return {
        "result": ref.Expected(found, scan.dtype),
        "monitor": ref.Expected(found[-1], scan.dtype),
    }


def nothing(scan: ref.Scan, **_: Any) -> ref.Table:
    return {}


def mask_cases(sig: tuple[int, int], shifts: Array) -> dict[str, Case]:
    """Masks of every kind, handed over in every way."""
    rng = np.random.default_rng(5)
    soft = rng.random((3, *sig), np.float32)
    sharp = soft < 0.3
    counts = rng.integers(-9, 9, (3, *sig), np.int16)
    few = np.where(rng.random((3, *sig)) < 0.02, counts, 0)
    waves = np.exp(1j * 7 * soft)
    flat = [scipy.sparse.csr_matrix(mask) for mask in few]

    def case(given: Any, stack: Array, **parameters: Any) -> Case:
        told = {k: v for k, v in parameters.items() if k in ("shifts", "mask_dtype")}
        told["stack"] = stack
        return Case("masks", det.masks, {"mask_factories": given, **parameters}, told)

    each = [Given(mask) for mask in soft]
    rings = {"cy": sig[0] / 2.2, "cx": sig[1] / 2, "ri": 2.0, "ro": sig[0] / 2, "n_bins": 3}
    fourier = partial(radial_fourier_masks, sig, **rings, max_order=4)
    return {
        "masks, one function each": case(each, soft),
        "masks, one function": case(Given(soft), soft, mask_count=3, mask_dtype=np.float32),
        "masks, arrays": case(list(soft), soft),
        "masks, float64 made float32": case(soft.astype(np.float64), soft, mask_dtype=np.float32),
        "masks, bool": case(sharp, sharp),
        "masks, signed": case(counts, counts),
        "masks, complex64": case(waves, waves, mask_dtype=np.complex64),
        "masks, complex128": case(waves, waves),
        "masks, radial Fourier": case(
            fourier, det.rings_by_angle(sig, **rings, max_order=4), mask_dtype=np.complex64
        ),
        "masks, scipy": case([Given(mask) for mask in flat], few),
        "masks, dense made sparse": case(few, few, use_sparse=True),
        "masks, crowded sparse": case(soft, soft, use_sparse="scipy.sparse.csc"),
        "masks, sparse made dense": case([Given(mask) for mask in flat], few, use_sparse=False),
        "masks, shifted": case(counts, counts, shifts=(2, -3)),
        "masks, shifted away": case(counts, counts, shifts=(sig[0], 0)),
        "masks, shifted each": case(soft, soft, shifts=shifts),
        "masks, sparse, shifted each": case(few, few, use_sparse="sparse.pydata", shifts=shifts),
        "masks, preferred dtype": case(sharp, sharp, preferred_dtype=np.float32),
    }


def detector_cases(sig: tuple[int, int]) -> dict[str, Case]:
    """Regions and rings, by default, off the middle, between pixels, beyond the edge."""
    h, w = sig
    off = {"cy": 0.37 * h, "cx": 0.61 * w}
    region = partial(Case, "virtual_detector", det.virtual_detector)
    rings = partial(Case, "radial_profile", det.radial_profile)
    return {
        "disk": region({}),
        "disk, off": region({"shape": "disk", "r": h / 3.1, **off}),
        "disk, beyond": region({"shape": "disk", "cy": -2, "cx": w + 1, "r": h / 2}),
        "ring": region({"shape": "ring"}),
        "ring, off": region({"shape": "ring", "ri": h / 7, "ro": h / 2.3, **off}),
        "rectangle": region({"shape": "rectangle"}),
        "rectangle, off": region({"shape": "rectangle", "height": 5, "width": 6.5, **off}),
        "point": region({"shape": "point"}),
        "point, off": region({"shape": "point", "cy": 3.4, "cx": 5.5}),
        "radial": rings({}),
        "radial, off": rings({**off}),
        "radial, rings": rings({"cy": h // 3, "cx": w // 2, "n_bins": 6, "ro": h / 2}),
        "radial, beyond": rings({"cy": -5, "cx": -5, "ro": h / 2}),
    }


def com_cases(sig: tuple[int, int]) -> dict[str, Case]:
    """Centres of mass with all that can be done to the field."""
    h, w = sig
    plane = [[0.1, -0.2], [0.03, 0.01], [-0.02, 0.04]]
    centre = partial(Case, "com", com)
    return {
        "com": centre({}),
        "com, disk": centre({"cy": h / 2 - 0.3, "cx": w / 2 + 1, "r": h / 3}),
        "com, ring": centre({"cy": h // 2, "cx": w // 2, "r": h / 3, "ri": 2.0}),
        "com, turned": centre({"scan_rotation": 33.5}),
        "com, flipped": centre({"flip_y": True, "scan_rotation": -120.0, "regression": 0}),
        "com, less a plane": centre({"regression": 1}),
        "com, less this": centre({"regression": plane, "flip_y": True}),
    }


def cases(data: Array, folder: Path) -> dict[str, Case]:
    """Everything the package ships, ready for a scan."""
    nav, sig = data.shape[:2], data.shape[2:]
    h, w = sig
    shifts = np.random.default_rng(6).uniform(-h / 2, h / 2, (*nav, 2))
    return {
        "sum": Case("sum", ref.sum_, {"dtype": "float32"}),
        "sumsig": Case("sumsig", ref.sumsig),
        "logsum": Case("logsum", ref.logsum),
        "stddev": Case("stddev", ref.stddev),
        "stddev, float32": Case("stddev", ref.stddev, {"dtype": "float32"}),
        "max": Case("max", ref.max_),
        "max, nav": Case("max", ref.max_, {"kind": "nav"}),
        "fem": Case("fem", det.fem, {"center": (h / 2, w / 3), "rad_in": 2, "rad_out": h / 3}),
        "crystallinity": Case(
            "crystallinity", det.crystallinity, {"rad_in": 1.5, "rad_out": h / 4}
        ),
        "crystallinity, masked": Case(
            "crystallinity",
            det.crystallinity,
            {"rad_in": 0, "rad_out": h / 3, "real_center": (h / 3, w / 2), "real_rad": h / 5},
        ),
        "pick": Case("pick", ref.pick),
        "pick_shifted": Case("pick_shifted", ref.pick_shifted, {"shifts": (-3, 2.9)}),
        "pick_shifted, each": Case("pick_shifted", ref.pick_shifted, {"shifts": shifts}),
        "signal_monitor": Case("signal_monitor", ref.signal_monitor),
        "partition_monitor": Case("partition_monitor", nothing, {"dtype": "float32"}),
        "record": Case("record", nothing, {"filename": folder / "scan.npy", "overwrite": True}),
        "noop": Case("noop", nothing, {"preferred_input_dtype": bool}),
        "auto": Case("framefold.udf:AutoUDF", auto, {"f": corner_and_largest, "monitor": True}),
        **mask_cases(sig, shifts),
        **detector_cases(sig),
        **com_cases(sig),
    }


def for_run(run: str, data: Array, folder: Path) -> dict[str, Case]:
    """Together: all frames, float32. Selected: some, float64. Native: some, as recorded."""
    every = cases(data, folder)
    if run == "together":
        return {k: c for k, c in every.items() if c.name not in ("pick", "pick_shifted")}
    if run == "native":
        return {k: c for k, c in every.items() if c.name in NATIVE}
    wide = {"sum, float64": Case("sum", ref.sum_, {"dtype": "float64"})}
    return {**{k: c for k, c in every.items() if c.name != "record"}, **wide}
