"""Every folder of real recordings opens and gives the numbers that other libraries found in it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cli.programs import called
from framefold import SumUDF
from framefold.api import Context
from framefold.errors import DataError
from framefold.formats import inspect_file
from framefold.formats.filters import chain_of
from framefold.formats.opened import FileIdentity
from framefold.formats.simplon_stream import CborMessages
from framefold.protocols import recognise
from recordings_for_tests import delivered

MIB = "merlin_mib"
SINGLE, QUAD = "Single_9_Frame_CounterDepth", "Quad_1_Frame_CounterDepth"


@dataclass(frozen=True)
class Known:
    """A file, and which entry of the truth speaks of it."""

    folder: str
    file: str
    array: str
    format: str
    how: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.folder}-{self.array.strip('/').replace('/', '.')}"


FRAMES = [
    Known("abtem_mos2", "mos2_4dstem.h5", "data", "hdf5"),
    Known("blockfile_blo_tiny", "test2.blo", "data", "blo"),
    Known("de_mrc", "Custom_movie.mrc", "Custom_movie", "mrc"),
    Known("de_mrc", "20241021_00405_movie.mrc", "20241021_00405_movie", "mrc"),
    Known("dm4_small", "test-10.dm4", "data", "dm"),
    Known("eiger_4m_h5_bslz4", "bitshuffle.h5", "/entry/data/data", "simplon_h5"),
    Known("empad_series", "series_x10.raw", "series (10,128,128)", "empad"),
    Known("empad_series", "stack_images.xml", "series (10,128,128)", "empad"),
    Known(MIB, f"{SINGLE}_12_Rows_256.mib", "Single_9_12bit", "mib"),
    Known(MIB, f"{SINGLE}_1_Rows_256.mib", "Single_9_1bit_U08", "mib"),
    Known(MIB, f"{SINGLE}_1_Rows_256RAW.mib", "Single_9_1bit_RAW", "mib"),
    Known(MIB, f"{QUAD}_12_Rows_256.mib", "Quad_1_12bit", "mib"),
    Known(MIB, f"{QUAD}_6_Rows_256.mib", "Quad_1_6bit", "mib"),
    Known(MIB, f"{QUAD}_1_Rows_256RAW.mib", "Quad_1_1bit_RAW", "mib"),
    Known(MIB, "001_4x2_6bit.mib", "001_4x2_6bit", "mib"),
    Known(
        MIB,
        "002_merlin_test_roi_sig256x128_nav4x2_hot_pixel_52x_39y.hdr",
        "002_4x2_roi128",
        "mib",
    ),
    Known(
        "py4dstem_emd", "py4DSTEM_size2x3x4x5.h5", "/datacube_root/datacube/data", "hdf5"
    ),
    Known(
        "raw_binary_nordif",
        "Pattern.dat",
        "data",
        "raw",
        {"dtype": "uint8", "sig": "60,60", "nav": "3,3"},
    ),
    Known("stream_v2_eiger2_16m", "image.cbor", "image threshold_1", "simplon_stream"),
    Known(
        "tia_ser", "16x16-line_profile_horizontal_5x128x128_EDS_2.ser", "line scan", "ser"
    ),
    Known("tia_ser", "64x64_TEM_images_acquire.npy", "npy", "npy"),
    Known("tvips", "test_tvips_2233_000.tvips", "data", "tvips"),
]  # fmt: skip
SPECIAL = {
    "bitshuffle_vectors": {"pairs"},
    "simplon_v1_eiger_truncated": {"messages"},
    "timepix3_tpx3": {"00", "01"},
}
"""What is told of is no array of frames: they have tests of their own below."""


def truth_of(recordings: Path, folder: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((recordings / folder / "truth.json").read_text())["arrays"]
    return told


@pytest.mark.recordings
def test_every_folder_is_here(recordings):
    """A folder that is added, or an array, needs a line above."""
    folders = {path.parent.name for path in recordings.glob("*/truth.json")}
    known = {(one.folder, one.array) for one in FRAMES}
    known |= {(folder, array) for folder, arrays in SPECIAL.items() for array in arrays}

    assert known == {(name, array) for name in folders for array in truth_of(recordings, name)}


@pytest.mark.recordings
@pytest.mark.parametrize("known", FRAMES, ids=str)
class TestTruth:
    """Shape, type, every pixel and sums are those that others found."""

    def opened(self, ctx, recordings, known):
        how = {name: value for name, value in known.how.items() if name == "dtype"}
        for name in ("sig", "nav"):
            if name in known.how:
                how[f"{name}_shape"] = tuple(int(n) for n in known.how[name].split(","))
        return ctx.load("auto", path=recordings / known.folder / known.file, **how)

    def test_frames(self, recordings, known):
        truth = truth_of(recordings, known.folder)[known.array]

        data_set = self.opened(Context.inline(), recordings, known)
        got, times = delivered(data_set, rows_at_once=3)

        assert data_set.facts.format == known.format
        assert data_set.dtype == np.dtype(truth["dtype"])
        nav, sig = truth["shape"][:-2], tuple(truth["shape"][-2:])
        assert tuple(data_set.shape.sig) == sig
        assert got.size == np.prod(truth["shape"])
        if len(nav) == 2:
            assert tuple(data_set.shape.nav) == tuple(nav)
        assert (times == 1).all()
        little = got.astype(got.dtype.newbyteorder("<"))
        assert hashlib.sha256(little.tobytes()).hexdigest() == truth["sha256_array_le_c"]
        assert (got.min(), got.max()) == (truth["min"], truth["max"])
        if "per_frame_sum" in truth:
            assert got.sum(axis=(1, 2), dtype="f8").tolist() == pytest.approx(
                truth["per_frame_sum"], rel=1e-6
            )

    def test_inspected(self, recordings, known):
        truth = truth_of(recordings, known.folder)[known.array]
        options = [f"--{name}={value}" for name, value in known.how.items()]

        path = recordings / known.folder / known.file
        ended = called("inspect", path, "--json", *options)
        found = json.loads(ended.out)

        assert ended.code == 0, found["problems"]
        assert found["format"] == known.format
        assert found["dtype"] == np.dtype(truth["dtype"]).name
        assert found["sig_shape"] == truth["shape"][-2:]
        count = int(np.prod(truth["shape"][:-2]))
        assert found["frames_found"] == found["frames_promised"] == count
        if "pixels_at_dtype_max" in truth:
            assert found["masked_pixels"] == truth["pixels_at_dtype_max"]

    def test_run(self, recordings, known):
        """What a detector marks as no value is in no sum."""
        truth = truth_of(recordings, known.folder)[known.array]

        with Context.inline() as ctx:
            result = ctx.run_udf(self.opened(ctx, recordings, known), SumUDF())

        expected = truth.get("sum_excluding_dtype_max", truth["sum"])
        assert result["intensity"].data.sum(dtype="f8") == pytest.approx(expected, rel=1e-6)


@pytest.mark.recordings
class TestOtherTruths:
    """Recordings whose truth is no array of frames."""

    def test_an_image_as_others_turn_it(self, recordings):
        folder = recordings / "tia_ser"
        expected = np.load(folder / "64x64_TEM_images_acquire.npy")

        data_set = Context.inline().load("auto", path=folder / "64x64_TEM_images_acquire_1.ser")

        assert (delivered(data_set)[0][0] == expected).all()

    @pytest.mark.parametrize("number", sorted(SPECIAL["timepix3_tpx3"]))
    def test_events_of_each_chip(self, recordings, number):
        truth = truth_of(recordings, "timepix3_tpx3")[number]["per_chip_hit_image_256x256"]
        path = recordings / "timepix3_tpx3" / f"raw_test_data_{number}.tpx3"
        ctx = Context.inline()

        chips = [delivered(ctx.load("auto", path=path, chip=chip))[0][0] for chip in range(4)]
        image = np.sum(chips, axis=0, dtype="i8")

        assert hashlib.sha256(image.tobytes()).hexdigest() == truth["sha256_i8"]
        assert (image.sum(), image.max()) == (truth["sum"], truth["max"])
        assert inspect_file(path).problems == ()

    def test_chunks_of_every_size_of_pixel(self, recordings):
        """Vectors of text: no frames, which is said, and decoded all the same."""
        truth = truth_of(recordings, "bitshuffle_vectors")["pairs"]
        path = recordings / "bitshuffle_vectors" / "regression_0.1.3.h5"
        identical = 0
        with h5py.File(path) as file:
            for name, dataset in file["compressed"].items():
                chain = chain_of(dataset, dataset.dtype)
                assert chain is not None
                _, stored = dataset.id.read_direct_chunk((0,) * dataset.ndim)
                out = np.empty(dataset.chunks, np.dtype(f"V{dataset.dtype.itemsize}"))
                assert chain.undo(np.frombuffer(stored, np.uint8), 0, out) is None
                plain = file["original"][name][...]
                identical += out.tobytes()[: plain.nbytes] == plain.tobytes()

        assert identical == truth["identical"]
        with pytest.raises(DataError, match="no numeric array with at least 3 axes"):
            Context.inline().load("auto", path=path)

    def test_messages_cut_on_the_way(self, recordings):
        """Images of 20000 bytes that say they are longer: none is taken, and why is said."""
        truth = truth_of(recordings, "simplon_v1_eiger_truncated")["messages"]
        path = recordings / "simplon_v1_eiger_truncated" / "eiger-small.cbors"

        messages = list(CborMessages(FileIdentity.of(path)))
        language = recognise(messages[0][0])
        (started,) = language.feed(messages[0])
        found = inspect_file(path)

        assert [len(parts) for parts in messages] == truth["parts"]
        assert list(started.sig_shape) == truth["declared_image_shape_xy"][::-1]
        assert found.format == "simplon_stream"
        assert "20000 bytes where size is 755083" in found.problems[0]
        with pytest.raises(DataError, match="no frame"):
            Context.inline().load("auto", path=path)
