"""``libertem.common.tracing``: tracing; nothing is recorded."""

from framefold.compat.tracing import TracedThreadPoolExecutor, attach_to_parent, maybe_setup_tracing

__all__ = ["TracedThreadPoolExecutor", "attach_to_parent", "maybe_setup_tracing"]
