"""Real captures, sent over a real socket, give their truths."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest

from framefold import PickUDF, SumUDF
from framefold.core.snapshot import RunState
from framefold.engine.run import Run

pytestmark = pytest.mark.recordings


def truth_of(folder: Path) -> dict[str, Any]:
    arrays: dict[str, Any] = json.loads((folder / "truth.json").read_text())["arrays"]
    return arrays


class TestCaptures:
    """What detectors really sent."""

    @pytest.mark.parametrize("masked", ["raw", "zero"])
    def test_eiger2_16m_stream_v2(self, recordings, workers, detector, masked):
        """A start message with four-byte masks, one image of 18 million pixels, the end."""
        folder = recordings / "stream_v2_eiger2_16m"
        (truth,) = truth_of(folder).values()
        messages = [[(folder / f"{name}.cbor").read_bytes()] for name in ("start", "image", "end")]
        start = cbor2.loads(messages[0][0])
        image = cbor2.loads(messages[1][0])
        # the capture holds one image of a longer series, and not its first
        frames = max(start["number_of_images"], image["image_id"] + 1)
        sender = detector(messages)
        settings = {"nav_shape": (frames,), "masked": masked}
        with workers.stream(sender.endpoint, **settings) as stream:
            reader = stream.next_reader()
            assert reader.acquisition.sig_shape == tuple(truth["shape"])
            roi = np.zeros(frames, bool)
            roi[image["image_id"]] = True
            picked, summed = workers.run_udf(reader, [PickUDF(), SumUDF("uint64")], roi=roi)

        # all UDFs of a run share one dtype, and SumUDF was asked for uint64
        pixels = picked["intensity"].data[0].astype(np.uint16)
        if masked == "raw":
            assert hashlib.sha256(pixels.tobytes()).hexdigest() == truth["sha256_array_le_c"]
            assert int(summed["intensity"].data.sum()) == truth["sum"]
        else:
            assert int(summed["intensity"].data.sum()) == truth["sum_excluding_dtype_max"]
            assert pixels.max() == truth["max_excluding_dtype_max"]

    def test_eiger_9m_stream_v1_cut_short_is_refused_frame_by_frame(
        self, recordings, workers, detector
    ):
        """Every image was cut to 20000 bytes: each is refused, and the end still comes."""
        folder = recordings / "simplon_v1_eiger_truncated"
        messages = []
        with (folder / "eiger-small.cbors").open("rb") as file:
            decoder = cbor2.CBORDecoder(file, tag_hook=lambda tag: tag.value)
            for _ in truth_of(folder)["messages"]["parts"]:
                messages.append(parts_of(decoder.decode()))
        assert [len(m) for m in messages] == truth_of(folder)["messages"]["parts"]
        sender = detector(messages)
        with workers.stream(sender.endpoint, nav_shape=(3,)) as stream:
            run = Run(stream.next_reader(), {"sum": SumUDF()}, workers.pool)
            run.start()
            assert run.join(60)

        assert run.state is RunState.ABORTED
        assert run.latest.merged == 0
        assert run.latest.losses.refused == 3
        assert run.latest.losses.missing == 3
        assert "0 of 3 positions" in run.latest.reason


def parts_of(item: Any) -> list[bytes]:
    """The message parts in whatever a recorder wrapped them."""
    while not (isinstance(item, list) and all(isinstance(part, bytes) for part in item)):
        if isinstance(item, dict):
            item = next(iter(item.values()))
        else:
            item = next(part for part in item if isinstance(part, list | dict))
    return item
