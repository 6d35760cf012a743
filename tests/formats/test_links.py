"""Links that leave the folder of a file."""

import h5py
import numpy as np
import pytest

from framefold.errors import DataError
from framefold.formats import open_dataset
from recordings_for_tests import counts, delivered, write_bslz4, write_series


@pytest.fixture
def folders(tmp_path):
    """A folder with the recording, and one beside it that is none of its business."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    return inside, outside


def virtual(path, source, data, dataset="/entry/data/data"):
    layout = h5py.VirtualLayout(data.shape, data.dtype)
    layout[...] = h5py.VirtualSource(str(source), dataset, data.shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("d", layout)
    return path


class TestOutside:
    """What lies outside is named and left alone, unless the user says otherwise."""

    def test_data_files_of_a_master(self, folders):
        inside, outside = folders
        data = counts((6,), (8, 6))
        master = write_series(inside, data, 3)
        moved = (inside / "scan_data_000002.h5").rename(outside / "scan_data_000002.h5")
        with h5py.File(master, "r+") as file:
            del file["/entry/data/data_000002"]
            file["/entry/data/data_000002"] = h5py.ExternalLink(str(moved), "/entry/data/data")

        refused = open_dataset(master)
        followed = open_dataset(master, follow_links=True)

        assert refused.frames == 3
        assert refused.facts.missing_files == (str(moved),)
        assert "lies outside" in refused.facts.problems[0]
        assert (delivered(followed)[0][:6] == data).all()

    @pytest.mark.parametrize("how", ["relative", "absolute", "symbolic"])
    def test_sources_of_a_virtual_dataset(self, folders, how):
        inside, outside = folders
        data = counts((6,), (8, 6))
        target = write_bslz4(outside / "b.h5", data)
        named = {"relative": "../outside/b.h5", "absolute": target, "symbolic": "link.h5"}[how]
        (inside / "link.h5").symlink_to(target)
        path = virtual(inside / "a.h5", named, data)

        with pytest.raises(DataError, match="lies outside"):
            open_dataset(path)
        assert (delivered(open_dataset(path, follow_links=True))[0][:6] == data).all()

    def test_a_source_that_only_the_library_can_read(self, folders):
        inside, outside = folders
        data = counts((6,), (8, 6))
        write_bslz4(outside / "b.h5", data)
        layout = h5py.VirtualLayout((6, 4, 6), data.dtype)
        source = h5py.VirtualSource("../outside/b.h5", "/entry/data/data", data.shape)
        layout[...] = source[:, ::2]
        with h5py.File(inside / "a.h5", "w") as file:
            file.create_virtual_dataset("d", layout)

        with pytest.raises(DataError, match="lies outside"):
            open_dataset(inside / "a.h5")
        followed = open_dataset(inside / "a.h5", follow_links=True)

        assert (delivered(followed)[0][:6] == data[:, ::2]).all()

    @pytest.mark.parametrize("name", ["d", "group/d", "/soft"])
    def test_a_dataset_behind_an_external_link(self, folders, name):
        inside, outside = folders
        data = counts((6,), (8, 6))
        write_bslz4(outside / "b.h5", data, "/there/d")
        with h5py.File(inside / "a.h5", "w") as file:
            file["d"] = h5py.ExternalLink("../outside/b.h5", "/there/d")
            file["group"] = h5py.ExternalLink("../outside/b.h5", "/there")
            file["soft"] = h5py.SoftLink("/group/d")

        with pytest.raises(DataError, match=r"b\.h5, which lies outside"):
            open_dataset(inside / "a.h5", ds_path=name)
        followed = open_dataset(inside / "a.h5", ds_path=name, follow_links=True)

        assert (delivered(followed)[0] == data).all()

    def test_raw_files_as_external_storage(self, folders):
        inside, outside = folders
        data = counts((6,), (8, 6))
        (outside / "pixels").write_bytes(data.tobytes())
        with h5py.File(inside / "a.h5", "w") as file:
            file.create_dataset(
                "d", data.shape, data.dtype, external=[("../outside/pixels", 0, data.nbytes)]
            )

        with pytest.raises(DataError, match="lies outside"):
            open_dataset(inside / "a.h5")
        followed = open_dataset(inside / "a.h5", follow_links=True)

        assert (delivered(followed)[0] == data).all()

    def test_soft_links_in_a_circle(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")

        with pytest.raises(DataError, match="circle"):
            open_dataset(tmp_path / "a.h5", ds_path="a")


class TestInside:
    """Links within the folder are followed."""

    def test_raw_files_in_a_row(self, tmp_path):
        data = counts((6,), (8, 6))
        (tmp_path / "one").write_bytes(b"head" + data[:4].tobytes())
        (tmp_path / "two").write_bytes(data[4:].tobytes())
        frame = data[0].nbytes
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset(
                "d", data.shape, data.dtype,
                external=[("one", 4, 4 * frame), ("two", 0, h5py.h5f.UNLIMITED)],
            )  # fmt: skip

        data_set = open_dataset(tmp_path / "a.h5")
        got, times = delivered(data_set, workers=1)
        (tmp_path / "one").unlink()
        less = open_dataset(tmp_path / "a.h5")

        assert (got == data).all()
        assert (times == 1).all()
        assert less.frames == 2
        assert less.facts.missing_files == ("one",)

    def test_an_absolute_name_from_another_computer(self, tmp_path):
        data = counts((6,), (8, 6))
        write_bslz4(tmp_path / "b.h5", data)
        path = virtual(tmp_path / "a.h5", "/no/such/folder/b.h5", data)

        assert (delivered(open_dataset(path))[0][:6] == np.asarray(data)).all()
