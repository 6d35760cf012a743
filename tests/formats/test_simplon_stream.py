"""Messages of a stream kept in a file."""

import contextlib
import json

import cbor2
import numpy as np
import pytest

from framefold.errors import DataError, FramefoldError
from framefold.formats import inspect_file, open_dataset
from framefold_simulators import simplon_v1, simplon_v2
from framefold_simulators.series import Series
from recordings_for_tests import delivered

LANGUAGES = {"v1": simplon_v1, "v2": simplon_v2}


def stack(frames=6, dtype="uint16"):
    return np.random.default_rng(4).integers(0, 999, (frames, 9, 7), dtype)


def messages(language, compression="bslz4", **more):
    series = Series(3, (2, 3), (9, 7), "uint16", compression, **more)
    return list(LANGUAGES[language].of_stack(series, stack()))


def kept(path, found):
    """One item a message: a list of parts, or the message itself where it is CBOR."""
    with path.open("wb") as file:
        for parts in found:
            file.write(parts[0] if parts[0][:3] == b"\xd9\xd9\xf7" else cbor2.dumps(list(parts)))
    return path


@pytest.mark.parametrize("language", LANGUAGES)
class TestMessages:
    """Frames come by their number, whatever the order in the file."""

    @pytest.mark.parametrize("compression", ["none", "lz4", "bslz4"])
    @pytest.mark.parametrize("detail", ["none", "basic", "all"])
    def test_equals_what_was_sent(self, tmp_path, language, compression, detail):
        path = kept(tmp_path / "a", messages(language, compression, header_detail=detail))

        data_set = open_dataset(path, nav_shape=(2, 3))
        got, times = delivered(data_set)

        assert data_set.facts.format == "simplon_stream"
        assert data_set.facts.problems == ()
        assert (times == 1).all()
        assert (got == stack()).all()

    def test_shuffled_with_a_frame_lost_and_one_twice(self, tmp_path, language):
        head, *images, end = messages(language)
        order = [images[i] for i in (3, 0, 5, 4, 2, 3)]

        data_set = open_dataset(kept(tmp_path / "a", [head, *order, end]), nav_shape=(2, 3))
        got, times = delivered(data_set)

        assert times.tolist() == [1, 0, 1, 1, 1, 1]
        assert (got[[0, 2, 3, 4, 5]] == stack()[[0, 2, 3, 4, 5]]).all()
        assert data_set.facts.problems == ("frame 3 is repeated and is left out",)

    def test_no_frame(self, tmp_path, language):
        head, *_, end = messages(language)

        with pytest.raises(DataError, match="no frame"):
            open_dataset(kept(tmp_path / "a", [head, end]))

    def test_without_a_header(self, tmp_path, language):
        data_set = open_dataset(kept(tmp_path / "a", messages(language)[2:]), nav_shape=6)

        assert delivered(data_set)[1].tolist() == [0, 1, 1, 1, 1, 1]

    def test_cut_off(self, tmp_path, language):
        path = kept(tmp_path / "a", messages(language)[:-1])
        path.write_bytes(path.read_bytes()[:-30])

        data_set = open_dataset(path, nav_shape=6)

        assert data_set.frames == 5
        assert "no whole message" in data_set.facts.problems[0]

    def test_random_damage(self, tmp_path, language):
        whole = kept(tmp_path / "a", messages(language)).read_bytes()
        rng = np.random.default_rng(2)
        for i in range(80):
            content = bytearray(whole)
            for at in rng.integers(0, len(content), 3):
                content[at] = rng.integers(256)
            if i % 4 == 0:
                del content[rng.integers(1, len(content)) :]
            (tmp_path / "b").write_bytes(content)
            inspect_file(tmp_path / "b").as_text()
            with contextlib.suppress(FramefoldError):
                data_set = open_dataset(tmp_path / "b")
                if data_set.acquisition.scan.size < 1000 and data_set.acquisition.frame_bytes < 1e6:
                    delivered(data_set)


class TestOtherFiles:
    """What merely looks like CBOR is none of it."""

    @pytest.mark.parametrize(
        "content",
        [
            cbor2.dumps([b"a", b"b"]),
            cbor2.dumps({"type": "nonsense"}),
            b"\x9b" + b"\xff" * 40,
            b"\xbf" * 400,
            b"\x81" * 400,
            b"\0" * 400,
        ],
    )
    def test_is_not_recognised(self, tmp_path, content):
        (tmp_path / "a").write_bytes(content)

        with pytest.raises(DataError, match="no known format"):
            open_dataset(tmp_path / "a")


@pytest.mark.recordings
class TestRecordings:
    """Real messages."""

    def test_an_image_of_an_eiger2(self, recordings):
        truth = json.loads((recordings / "stream_v2_eiger2_16m/truth.json").read_text())
        truth = truth["arrays"]["image threshold_1"]

        data_set = open_dataset(recordings / "stream_v2_eiger2_16m/image.cbor", nav_shape=1)
        got, _ = delivered(data_set, rows_at_once=1)

        assert list(got.shape[1:]) == truth["shape"]
        assert int(got.sum(dtype=np.uint64)) == truth["sum"]

    @pytest.mark.parametrize("name", ["start", "end"])
    def test_messages_without_frames_are_told(self, recordings, name):
        found = inspect_file(recordings / f"stream_v2_eiger2_16m/{name}.cbor")

        assert "no frame" in found.problems[0]

    def test_messages_that_were_cut_are_refused_with_the_reason(self, recordings):
        found = inspect_file(recordings / "simplon_v1_eiger_truncated/eiger-small.cbors")

        assert found.format == "simplon_stream"
        assert "20000 bytes where size is 755083" in found.problems[0]
