"""Scene: a four-dimensional STEM measurement made up from a seed, with its truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_GRAINS = 6  # lattice orientations
_LEVELS = 9  # thicknesses that are told apart
_LARGEST = 0.16  # radius of a particle, in sides of the scan
_REALISATIONS = 8  # noisy patterns of each kind, at most
_POOL_BYTES = 96 << 20  # memory for noisy patterns; bounds their number for large detectors


@dataclass(frozen=True)
class Truth:
    """What went into a scene.

    Parameters
    ----------
    center : tuple of float
        Row and column of the undeflected disk's centre [pixels].
    radius : float
        Radius of the disks [pixels].
    deflection : ndarray of int64, shape scan + (2,)
        Shift of the whole pattern, rows and columns [pixels].
    grain : ndarray of int64, shape scan
        Lattice orientation, from 0; -1 in vacuum.
    level : ndarray of int64, shape scan
        Thickness from 1 (thin) up; 0 in vacuum.
    """

    center: tuple[float, float]
    radius: float
    deflection: NDArray[np.int64]
    grain: NDArray[np.int64]
    level: NDArray[np.int64]


@dataclass(frozen=True)
class Scene:
    """Nanoparticles on vacuum: a bright disk that wanders, Bragg discs, Poisson counts.

    The frame of a position depends on the parameters only, not on what was asked before.
    Noise comes from a pool of patterns that positions of one thickness and orientation share.

    Parameters
    ----------
    scan : tuple of int
        Scan shape in positions.
    sig_shape : tuple of int
        Rows and columns [pixels].
    dtype : numpy.dtype
        Unsigned integer type of the pixels.
    seed : int
        Same seed, same scene.
    counts : float
        Mean counts in a pixel of the bright disk, in vacuum.
    particles : int
        How many particles lie on the scan.
    deflection : int
        Largest shift of the pattern [pixels].
    """

    scan: tuple[int, ...]
    sig_shape: tuple[int, int]
    dtype: np.dtype[Any]
    seed: int = 0
    counts: float = 20.0
    particles: int = 14
    deflection: int = 3

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        if self.dtype.kind != "u":
            raise ValueError(f"a scene has unsigned integers, not {self.dtype}")
        if self.counts < 0 or self.deflection < 0 or self.particles < 0:
            raise ValueError("counts, deflection and particles cannot be negative")

    def __len__(self) -> int:
        return math.prod(self.scan)

    @cached_property
    def truth(self) -> Truth:
        """What the frames are made of."""
        columns = self.scan[-1]
        rows = len(self) // columns if columns else 0
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float64)
        y, x = (y + 0.5) / max(rows, 1), (x + 0.5) / max(columns, 1)
        rng = np.random.default_rng((self.seed, 1))
        grain = np.full(y.shape, -1, np.int64)
        level = np.zeros(y.shape, np.int64)
        # the beam drifts over the scan, and fields around the particles push it
        push_y = 0.5 * (2 * y - 1)
        push_x = 0.5 * np.sin(2 * np.pi * x)
        for _ in range(self.particles):
            cy, cx = rng.random(2)
            radius = rng.uniform(0.05, _LARGEST)
            away = np.hypot(y - cy, x - cx)
            across = _hexagonal(y - cy, x - cx, rng.uniform(0, math.pi / 3)) / radius
            # small ones are thinner, too
            height = (0.4 + 0.6 * radius / _LARGEST) * np.sqrt(np.clip(1 - across**2, 0, None))
            found = 1 + np.minimum(height * _LEVELS, _LEVELS - 1).astype(np.int64)
            # where two lie on each other, the thicker one is seen
            inside = (across < 1) & (found > level)
            grain[inside] = rng.integers(_GRAINS)
            level[inside] = found[inside]
            strength = np.exp(-((away / radius - 1) ** 2) * 4) / np.maximum(away, 1e-9)
            push_y += (y - cy) * strength
            push_x += (x - cx) * strength
        push = np.stack([push_y, push_x], axis=-1).clip(-1, 1) * self.deflection
        h, w = self.sig_shape
        return Truth(
            center=((h - 1) / 2, (w - 1) / 2),
            radius=min(h, w) / 9,
            deflection=np.rint(push).astype(np.int64).reshape(*self.scan, 2),
            grain=grain.reshape(self.scan),
            level=level.reshape(self.scan),
        )

    def mean(self, grain: int, level: int) -> NDArray[np.float64]:
        """Expected counts of an undeflected pattern, with a border of ``deflection`` pixels.

        Returns
        -------
        ndarray of float64, shape (rows + 2 * deflection, columns + 2 * deflection)
        """
        h, w = self.sig_shape
        margin = self.deflection
        y, x = np.ogrid[0 : h + 2 * margin, 0 : w + 2 * margin]
        cy, cx = (h - 1) / 2 + margin, (w - 1) / 2 + margin
        radius = min(h, w) / 9
        away = np.hypot(y - cy, x - cx)
        thick = level / _LEVELS if grain >= 0 else 0.0
        pattern = (1 - 0.6 * thick) * _disk(away, radius)
        # diffuse scattering
        pattern = pattern + 0.02 * (0.2 + 3 * thick) * np.exp(-away / (2.5 * radius))
        if grain >= 0:
            pattern += thick * _bragg(y - cy, x - cx, radius, grain)
        return np.asarray(self.counts * pattern)

    @cached_property
    def _pool(self) -> NDArray[Any]:
        """Noisy patterns, shape (1 + grains * levels, realisations, rows, columns) with border."""
        kinds = [(-1, 0)] + [(g, k) for g in range(_GRAINS) for k in range(1, _LEVELS + 1)]
        means = np.stack([self.mean(grain, level) for grain, level in kinds])
        each = means[0].size * len(kinds) * self.dtype.itemsize
        realisations = int(np.clip(_POOL_BYTES // max(each, 1), 1, _REALISATIONS))
        rng = np.random.default_rng((self.seed, 2))
        top = float(np.iinfo(self.dtype).max)
        pool = np.empty((len(kinds), realisations, *means.shape[1:]), self.dtype)
        for i in range(realisations):
            pool[:, i] = np.minimum(rng.poisson(means), top)
        return pool

    def frames(self, first: int, count: int) -> NDArray[Any]:
        """Consecutive frames.

        Parameters
        ----------
        first : int
            Flat scan position of the first.
        count : int
            How many.

        Returns
        -------
        ndarray of ``dtype``, shape (count, rows, columns)
            The caller's own.
        """
        truth = self.truth
        take = slice(first, first + count)
        grain, level = truth.grain.reshape(-1)[take], truth.level.reshape(-1)[take]
        shift = truth.deflection.reshape(-1, 2)[take]
        kind = np.where(grain < 0, 0, 1 + grain * _LEVELS + level - 1)
        # by position and not by a running number, so that any frame can be asked for alone
        which = _scattered(np.arange(first, first + len(kind))) % self._pool.shape[1]
        windows = sliding_window_view(self._pool, self.sig_shape, axis=(2, 3))
        begin = self.deflection - shift
        found: NDArray[Any] = windows[kind, which, begin[:, 0], begin[:, 1]]
        return found


def _scattered(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers without a pattern that the eye would find in an image (splitmix64's mixer)."""
    mixed = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(33)).astype(np.int64)


def _disk(away: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """One inside, zero outside, with an edge of a pixel."""
    return np.clip(radius + 0.5 - away, 0, 1)


def _hexagonal(y: NDArray[np.float64], x: NDArray[np.float64], angle: float) -> Any:
    """Distance from the centre, where what lies equally far is a hexagon with round corners."""
    turned = [angle + k * math.pi / 3 for k in range(3)]
    sides = [np.abs(y * math.cos(t) + x * math.sin(t)) for t in turned]
    return (sum(side**6 for side in sides)) ** (1 / 6)


def _bragg(
    y: NDArray[np.float64], x: NDArray[np.float64], radius: float, grain: int
) -> NDArray[np.float64]:
    """Discs on a lattice of 2.4 radii, turned by the grain's angle, fading outwards."""
    angle = grain * math.pi / (2 * _GRAINS)
    step = 2.4 * radius
    total = np.zeros(np.broadcast_shapes(y.shape, x.shape))
    for i in range(-2, 3):
        for j in range(-2, 3):
            if i == j == 0:
                continue
            dy = step * (i * math.cos(angle) + j * math.sin(angle))
            dx = step * (j * math.cos(angle) - i * math.sin(angle))
            # one of a pair of opposite discs is stronger: the crystal is tilted
            strength = 0.35 * math.exp(-0.35 * (i * i + j * j)) * (1 + 0.5 * math.tanh(i + j))
            total += strength * _disk(np.hypot(y - dy, x - dx), 0.9 * radius)
    return total
