"""``libertem.common.backend``: which device to use."""

from framefold.compat.devices import (
    get_device_class,
    get_use_cpu,
    get_use_cuda,
    set_use_cpu,
    set_use_cuda,
)

__all__ = ["get_device_class", "get_use_cpu", "get_use_cuda", "set_use_cpu", "set_use_cuda"]
