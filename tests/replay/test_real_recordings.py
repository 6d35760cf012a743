"""What detectors really sent, out through our own replay: played, or refused with the reason."""

from __future__ import annotations

import hashlib
import json

import cbor2
import numpy as np
import pytest

from framefold import SumUDF
from framefold.errors import DataError
from framefold.replay.source import ReplaySource

pytestmark = pytest.mark.recordings


def truth_of(folder):
    return json.loads((folder / "truth.json").read_text())["arrays"]


class TestRealRecordings:
    """Each of them is good for something."""

    def test_eiger_stream_v1_cut_short(self, recordings, inline):
        """Its messages play bit for bit; its frames, all of them cut off, cannot be had."""
        file = recordings / "simplon_v1_eiger_truncated" / "eiger-small.cbors"
        messages = [parts for parts, _ in ReplaySource(str(file)).messages()]
        counts = truth_of(file.parent)["messages"]["parts"]
        assert [len(parts) for parts in messages] == counts
        assert all(bytes(part) in file.read_bytes() for part in messages[1])
        with inline.replay(file, nav_shape=(3,)) as stream:
            reader = stream.next_reader()
            inline.run_udf(reader, SumUDF())
            assert (reader.losses().corrupt, reader.losses().received) == (3, 0)
        with pytest.raises(DataError, match="20000 bytes where size is 755083"):
            list(ReplaySource(str(file), "simplon-v2").messages())

    @pytest.mark.parametrize("language", [None, "simplon-v1", "simplon-v2"])
    def test_eiger2_stream_v2(self, recordings, inline, language, tmp_path):
        """Start, image and end as one sequence, in either language."""
        folder = recordings / "stream_v2_eiger2_16m"
        (truth,) = truth_of(folder).values()
        (tmp_path / "all.cbors").write_bytes(
            b"".join((folder / f"{name}.cbor").read_bytes() for name in ("start", "image", "end"))
        )
        number = cbor2.loads((folder / "image.cbor").read_bytes())["image_id"]
        settings = {"nav_shape": (number + 1,), "masked": "raw"}
        with inline.replay(tmp_path / "all.cbors", language=language, **settings) as stream:
            reader = stream.next_reader()
            inline.run_udf(reader, SumUDF())
            pixels = inline.frame(reader, number)
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == truth["sha256_array_le_c"]

    @pytest.mark.parametrize("language", ["simplon-v1", "simplon-v2"])
    def test_timepix3_events(self, recordings, inline, language):
        """Made into frames, and sent as a frame detector would."""
        (file, *_) = sorted((recordings / "timepix3_tpx3").glob("*01.tpx3"))
        wanted = inline.run_udf(inline.load(file), SumUDF())["intensity"].data
        with inline.replay(file, language=language) as stream:
            found = inline.run_udf(stream.next_reader(), SumUDF())["intensity"].data
        assert np.count_nonzero(wanted)
        assert (found == wanted).all()
