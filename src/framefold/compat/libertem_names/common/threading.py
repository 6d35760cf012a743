"""``libertem.common.threading``: how many threads libraries use."""

from framefold.compat.threads import set_num_threads, set_num_threads_env

__all__ = ["set_num_threads", "set_num_threads_env"]
