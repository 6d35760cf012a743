"""The table of codecs: found by name, imported when asked for, described in words."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from encoders import bslz4, lz4_block, lz4_framed, scene
from framefold import codecs
from framefold.core.encoding import Encoding
from framefold.errors import CodecError, UnknownNameError
from framefold.kernels import damage

ENCODERS = {
    "raw": lambda pixels: pixels.tobytes(),
    "lz4": lz4_block,
    "lz4-framed": lz4_framed,
    "bslz4": bslz4,
}


def batch(name, frames):
    """All frames encoded, in one piece of memory, with nonsense between them."""
    chunks = [ENCODERS[name](frame) for frame in frames]
    lengths = np.array([len(chunk) for chunk in chunks], np.int64)
    offsets = np.concatenate([[3], 3 + np.cumsum(lengths + 5)[:-1]]).astype(np.int64)
    source = np.frombuffer(b"..." + b"<gap>".join(chunks), np.uint8)
    return source, offsets, lengths


class TestTable:
    def test_importing_does_not_import_numba(self):
        code = "import sys, framefold.codecs; sys.exit('numba' in sys.modules)"

        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

    def test_a_wrong_name_names_the_nearest(self):
        with pytest.raises(UnknownNameError, match="did you mean 'bslz4'"):
            codecs.codec("bslz")

    def test_a_codec_knows_its_name(self):
        for name in codecs.TABLE.names():
            assert codecs.codec(name).name == name

    def test_warm_runs_every_codec(self):
        codecs.warm()


class TestDescribe:
    def test_every_code_has_its_own_words(self):
        codes = [
            value for name, value in vars(damage).items() if name.isupper() and type(value) is int
        ]

        assert sorted(codes) == sorted(damage.DESCRIPTIONS)
        assert len({codecs.describe(code) for code in codes}) == len(codes)

    def test_an_unknown_code(self):
        assert "99" in codecs.describe(99)


class TestDecodeOne:
    @pytest.mark.parametrize("name", sorted(ENCODERS))
    @pytest.mark.parametrize("big_endian", [False, True])
    @pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8", "f4", "c8"])
    def test_gives_the_pixels_back(self, name, dtype, big_endian):
        pixels = scene("dense", (17, 31), dtype)
        sent = pixels.astype(pixels.dtype.newbyteorder(">" if big_endian else "<"))

        found = codecs.decode_one(
            Encoding(name, big_endian), ENCODERS[name](sent), sent.dtype, (17, 31)
        )

        assert found.dtype == pixels.dtype
        assert found.dtype.isnative
        assert (found == pixels).all()

    @pytest.mark.parametrize("name", sorted(ENCODERS))
    def test_damage_is_a_typed_error_with_the_numbers(self, name):
        with pytest.raises(CodecError, match=r"3 bytes for uint16 \(4, 4\), 32 bytes") as caught:
            codecs.decode_one(Encoding(name), b"\x00\x00\x01", "u2", (4, 4))

        assert caught.value.codec == name


@pytest.mark.parametrize("name", sorted(ENCODERS))
class TestEveryCodec:
    def test_a_batch(self, name):
        frames = scene("dense", (20, 33, 29), "u2")
        source, offsets, lengths = batch(name, frames)
        out = np.zeros_like(frames)

        status = codecs.codec(name).decode(source, offsets, lengths, out)

        assert status.dtype == np.int32
        assert (status == damage.GOOD).all()
        assert (out == frames).all()

    def test_in_any_order_and_repeated(self, name):
        frames = scene("dense", (5, 8, 9), "u4")
        source, offsets, lengths = batch(name, frames)
        rows = np.array([4, 0, 0, 3])
        out = np.zeros((4, 8, 9), "u4")

        codecs.codec(name).decode(source, offsets[rows], lengths[rows], out)

        assert (out == frames[rows]).all()

    def test_one_damaged_frame_leaves_the_others_good(self, name):
        frames = scene("dense", (5, 8, 9), "u2")
        source, offsets, lengths = batch(name, frames)
        lengths[2] -= 1
        out = np.zeros_like(frames)

        status = codecs.codec(name).decode(source, offsets, lengths, out)

        assert status[2] != damage.GOOD
        assert np.count_nonzero(status) == 1
        assert (np.delete(out, 2, 0) == np.delete(frames, 2, 0)).all()

    @pytest.mark.parametrize(
        ("offset", "length"),
        [(-1, 10), (0, -1), (10**6, 1), (0, 10**6), (2**63 - 1, 2**63 - 1), (-(2**63), 2**63 - 1)],
    )
    def test_frames_outside_the_source(self, name, offset, length):
        out = np.zeros((1, 4, 4), "u2")

        status = codecs.codec(name).decode(
            np.zeros(100, np.uint8), np.array([offset]), np.array([length]), out
        )

        assert status[0] == damage.OUTSIDE

    def test_no_frames(self, name):
        nothing = np.zeros(0, np.int64)

        status = codecs.codec(name).decode(
            np.zeros(0, np.uint8), nothing, nothing, np.zeros((0, 4, 4), "u2")
        )

        assert status.shape == (0,)

    def test_from_many_threads_at_once(self, name):
        """Threads do not share what they work in, also with blocks of different sizes."""
        frames = scene("dense", (4, 64, 96), "u2")
        source, offsets, lengths = batch(name, frames)
        barrier = threading.Barrier(4)
        wrong = []

        def decode():
            out = np.zeros_like(frames)
            barrier.wait()
            for _ in range(20):
                out[:] = 0
                status = codecs.codec(name).decode(source, offsets, lengths, out)
                if status.any() or not (out == frames).all():
                    wrong.append(status)

        threads = [threading.Thread(target=decode) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert not wrong

    def test_works_without_the_interpreter_lock(self, name):
        """While a batch is decoded, this thread runs."""
        frames = np.repeat(scene("sparse", (1, 128, 128), "u2"), 500, axis=0)
        source, offsets, lengths = batch(name, frames[:1])
        offsets, lengths = np.repeat(offsets, 500), np.repeat(lengths, 500)
        out = np.empty_like(frames)
        codecs.codec(name).decode(
            source, offsets, lengths, out
        )  # compiling gives the lock away too
        seen = 0
        overlapped = threading.Event()
        finished = threading.Event()

        def decode():
            for _ in range(300):
                before = seen
                codecs.codec(name).decode(source, offsets, lengths, out)
                if seen > before + 2:  # not just a change of threads on the way in or out
                    overlapped.set()
                    break
            finished.set()

        interval = sys.getswitchinterval()
        sys.setswitchinterval(100)  # nobody is made to give the lock away: it is given or it is not
        try:
            thread = threading.Thread(target=decode)
            thread.start()
            while not finished.wait(0.0001):
                seen += 1
            thread.join()
        finally:
            sys.setswitchinterval(interval)

        assert overlapped.is_set()
