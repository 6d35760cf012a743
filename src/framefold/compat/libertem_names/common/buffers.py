"""``libertem.common.buffers``: result buffers and what helps with them."""

from numpy import empty as empty_aligned
from numpy import zeros as zeros_aligned

from framefold.compat.aux_buffers import AuxBufferWrapper
from framefold.errors import InvalidMaskError
from framefold.udf import (
    ArrayWithMask,
    BufferWrapper,
    get_bbox,
    get_bbox_slice,
    get_inner_slice,
    reshaped_view,
)
from framefold.udf import BufferWrapper as PlaceholderBufferWrapper
from framefold.udf import BufferWrapper as PreallocBufferWrapper

__all__ = [
    "ArrayWithMask",
    "AuxBufferWrapper",
    "BufferWrapper",
    "InvalidMaskError",
    "PlaceholderBufferWrapper",
    "PreallocBufferWrapper",
    "empty_aligned",
    "get_bbox",
    "get_bbox_slice",
    "get_inner_slice",
    "reshaped_view",
    "zeros_aligned",
]
