"""Pixels with all bits set become zero while they are still bit planes: masked pixels on the way.

Detectors write the largest value of the pixel type where they mask a pixel. Looking for it among
decoded pixels is one more pass over all of them; among bit planes only the highest has to be looked
at where counts are low, since a pixel with all bits set has its bit there. So it costs a fraction
of a microsecond for a frame of 256x256 pixels, not six, and little more where pixels are masked.
"""

from __future__ import annotations

from framefold.kernels.compiled import kernel
from framefold.kernels.memory import any_256, load_u8, load_u64, store_u8, store_u64


@kernel
def clear_full_planes(planes: int, stride: int, count: int) -> None:
    """Make all bits zero at the places where they are all set.

    Parameters
    ----------
    planes : int
        Address of the planes, one behind the other, the lowest bit first.
    stride : int
        Length of a plane [bytes].
    count : int
        How many planes, 1 or more.
    """
    highest = planes + (count - 1) * stride
    done = 0
    while done + 8 <= stride:
        if done + 256 <= stride and any_256(highest + done) == 0:
            done += 256
            continue
        full = load_u64(highest + done)
        plane = 0
        while full != 0 and plane < count - 1:
            full &= load_u64(planes + plane * stride + done)
            plane += 1
        if full != 0:
            for plane in range(count):
                place = planes + plane * stride + done
                store_u64(place, load_u64(place) & ~full)
        done += 8
    while done < stride:
        full = load_u8(highest + done)
        plane = 0
        while full != 0 and plane < count - 1:
            full &= load_u8(planes + plane * stride + done)
            plane += 1
        if full != 0:
            for plane in range(count):
                place = planes + plane * stride + done
                store_u8(place, load_u8(place) & ~full)
        done += 1


@kernel
def clear_full_pixels(target: int, nbytes: int, size: int) -> None:
    """The same for a few pixels that lie as they are.

    Parameters
    ----------
    target : int
        Address of the first one.
    nbytes : int
        How long they are together [bytes]; a multiple of ``size``.
    size : int
        Bytes of a pixel.
    """
    for first in range(target, target + nbytes, size):
        full = 0xFF
        for place in range(first, first + size):
            full &= load_u8(place)
        if full == 0xFF:
            for place in range(first, first + size):
                store_u8(place, 0)
