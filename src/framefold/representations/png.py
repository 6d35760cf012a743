"""Pictures for eyes: a palette PNG whose reserved entries show where nothing was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping
from io import BytesIO
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from framefold.core.snapshot import Channel
from framefold.errors import ParameterError, ShapeError
from framefold.representations.colours import NAMES, colour_table
from framefold.representations.contrast import Limits
from framefold.representations.picture import MAX_SIDE, Picture, base_shape, lay_out, scaling
from framefold.representations.representation import Representation, one_of

# The palette: LEVELS colours of the ramp, then three that no value can have.
LEVELS = 253
NOT_A_NUMBER, HATCH_DARK, HATCH_LIGHT = 253, 254, 255
_RESERVED = np.array([(150, 40, 110), (22, 28, 40), (52, 64, 86)], dtype=np.uint8)

HATCH_PERIOD = 12
"""Width of a dark and a light stripe together, along x [output pixels]."""

# level 1: 2.4 ms for 256 x 256 against 7.5 ms at the default, for 4 KiB more
_COMPRESS_LEVEL = 1

_T = TypeVar("_T", bound=np.generic)


def encode(channel: Channel, options: Mapping[str, str]) -> bytes:
    """A channel as a PNG.

    Values at or beyond the limits get the first or last colour; on a logarithmic scale so do
    values at or below zero (the first). Valid values that are no number have a colour of their
    own. Places without a measurement are hatched, unless ``invalid=keep``. The limits used are
    in the text chunk ``limits`` (``lower,upper``).

    Raises
    ------
    ParameterError
        If an option makes no sense, or does not go with another.
    ShapeError
        If the channel is no picture.
    """
    scale = one_of(options, "scale", ("linear", "log"), "linear")
    hatched = one_of(options, "invalid", ("hatch", "keep"), "hatch") == "hatch"
    limits = Limits.parse(options.get("limits", "auto"))
    component = options.get("component")
    if component == "rgb":
        if "cmap" in options or scale == "log":
            raise ParameterError(
                "component=rgb has its own colours (direction as hue, length as brightness) on a "
                "linear scale; leave out cmap and scale"
            )
        return _vectors(lay_out(channel, component, options.get("size")), limits, hatched=hatched)
    colours = colour_table(options.get("cmap", "gray"), LEVELS)
    picture = lay_out(channel, component, options.get("size"))
    return _scalars(picture, colours, limits, logarithmic=scale == "log", hatched=hatched)


def estimate(channel: Channel, options: Mapping[str, str]) -> int:
    """A bound on the size [bytes]: three bytes a pixel, which is what a wheel of noise takes."""
    try:
        shape = base_shape(channel)
    except ShapeError:
        return 0  # encode says what is wrong
    shrink, enlarge = scaling(shape, options.get("size"))
    return 3 * math.prod(-(-n // shrink) * enlarge + 1 for n in shape) + 4096


def _scalars(
    picture: Picture,
    colours: NDArray[np.uint8],
    limits: Limits,
    *,
    logarithmic: bool,
    hatched: bool,
) -> bytes:
    values = picture.values
    shown = np.isfinite(values)
    if hatched:
        shown = shown & picture.valid
    if logarithmic:
        shown = shown & (values > 0)
    lower, upper = limits.of(values[shown])
    if logarithmic and lower <= 0:
        if not limits.percent:
            raise ParameterError(f"limits={lower:g},{upper:g}: a log scale needs both above 0")
        lower, upper = 0.1, 1.0  # there is nothing above zero
    share = _share(values, lower, upper, logarithmic=logarithmic)
    indices = np.nan_to_num(share * (LEVELS - 1) + 0.5, nan=0.0).astype(np.uint8)
    indices[np.isnan(values)] = NOT_A_NUMBER
    pixels = _enlarged(indices, picture.enlargement)
    if hatched:
        holes = _enlarged(~picture.valid, picture.enlargement)
        pixels[holes] = _hatch(pixels.shape)[holes]
    image = Image.fromarray(pixels)
    image.putpalette(np.concatenate([colours, _RESERVED]).tobytes())
    return _written(image, lower, upper)


def _share(
    values: NDArray[np.float64], lower: float, upper: float, *, logarithmic: bool
) -> NDArray[np.float64]:
    """Where values lie between the limits, 0 to 1; NaN where they are no number."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        if logarithmic:
            # log10 of zero and below is "infinitely dark", not a hole
            logs = np.log10(np.where(values > 0, values, 0.0))
            logs = np.where(np.isnan(values), np.nan, logs)
            low, high = math.log10(lower), math.log10(upper)
            share = (logs - low) / max(high - low, 1e-300)
        else:
            # halves, since the distance of two floats may be more than a float can hold
            share = (values / 2 - lower / 2) / max(upper / 2 - lower / 2, 1e-300)
        clipped: NDArray[np.float64] = np.clip(share, 0.0, 1.0)
    return clipped


def _vectors(picture: Picture, limits: Limits, *, hatched: bool) -> bytes:
    y, x = picture.values[..., 0], picture.values[..., 1]
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        length = np.hypot(y, x)
        turn = np.nan_to_num(np.arctan2(y, x) / (2 * np.pi) % 1.0)
    numbers = np.isfinite(length)
    shown = numbers & picture.valid if hatched else numbers
    # the length starts at zero: the darkest colour means "no vector", wherever the quantile lies
    upper = max(limits.of(length[shown])[1], 1e-300)
    brightness = np.nan_to_num(_share(length, 0.0, upper, logarithmic=False))
    wheel = colour_table("phase", 256).astype(np.float64)
    hue = wheel[(turn * 256).astype(np.intp) % 256]
    rgb = np.rint(hue * brightness[..., None]).astype(np.uint8)
    rgb[np.isnan(length)] = _RESERVED[0]
    pixels = _enlarged(rgb, picture.enlargement)
    if hatched:
        holes = _enlarged(~picture.valid, picture.enlargement)
        pixels[holes] = _RESERVED[_hatch(holes.shape)[holes] - NOT_A_NUMBER]
    return _written(Image.fromarray(pixels), 0.0, upper)


def _enlarged(values: NDArray[_T], factor: int) -> NDArray[_T]:
    return values.repeat(factor, axis=0).repeat(factor, axis=1)


def _hatch(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    y = np.arange(shape[0])[:, None]
    x = np.arange(shape[1])[None, :]
    light = (y + x) % HATCH_PERIOD < HATCH_PERIOD // 2
    return np.where(light, HATCH_LIGHT, HATCH_DARK).astype(np.uint8)


def _written(image: Image.Image, lower: float, upper: float) -> bytes:
    facts = PngInfo()
    facts.add_text("limits", f"{lower!r},{upper!r}")
    target = BytesIO()
    image.save(target, "PNG", compress_level=_COMPRESS_LEVEL, pnginfo=facts)
    return target.getvalue()


PNG = Representation(
    "png",
    "image/png",
    encode,
    estimate,
    {
        "cmap": NAMES,
        "scale": ("linear", "log"),
        "limits": ("auto", "p0.1,99.9", "10,5e4"),
        "invalid": ("hatch", "keep"),
        "component": ("0", "1", "rgb"),
        "size": (f"1 to {MAX_SIDE}",),
    },
)
