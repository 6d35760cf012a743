"""Bases that say which hooks a UDF has; what counts is the method, not the base."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


class UDFFrameMixin:
    """A UDF that has ``process_frame``."""

    def process_frame(self, frame: NDArray[Any]) -> None:
        """Work on one frame, shape sig; read-only."""
        raise NotImplementedError(f"{type(self).__name__} must define process_frame")


class UDFTileMixin:
    """A UDF that has ``process_tile``."""

    def process_tile(self, tile: NDArray[Any]) -> None:
        """Work on some frames, shape ``(depth,) + sig part``; read-only."""
        raise NotImplementedError(f"{type(self).__name__} must define process_tile")


class UDFPartitionMixin:
    """A UDF that has ``process_partition``."""

    def process_partition(self, partition: NDArray[Any]) -> None:
        """Work on a whole partition, shape ``(frames,) + sig``; read-only."""
        raise NotImplementedError(f"{type(self).__name__} must define process_partition")


class UDFPreprocessMixin:
    """A UDF that has ``preprocess``."""

    def preprocess(self) -> None:
        """Fill buffers before the first frame, on the main side and for each partition."""
        raise NotImplementedError(f"{type(self).__name__} must define preprocess")


class UDFPostprocessMixin:
    """A UDF that has ``postprocess``."""

    def postprocess(self) -> None:
        """Finish a partition after its last frame."""
        raise NotImplementedError(f"{type(self).__name__} must define postprocess")


class UDFMergeAllMixin:
    """A UDF that has ``merge_all``; accepted, partitions are merged one by one here."""

    def merge_all(self, ordered_results: Any) -> dict[str, NDArray[Any]]:
        """Merge all partitions at once."""
        raise NotImplementedError(f"{type(self).__name__} must define merge_all")
