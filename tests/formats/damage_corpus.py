"""Opens many damaged copies of recordings; run as a program of its own.

``python damage_corpus.py FILE COUNT [SEED]`` damages one file, ``all`` in place of FILE a small one
of each format that tests can write. A crash or a hang is seen from outside; any exception that is
no error of ours ends it with a traceback.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from framefold.core.block import UndecodableFrames
from framefold.errors import FramefoldError
from framefold.formats import inspect_file, open_dataset
from made_files import WRITERS, write_tiff
from recordings_for_tests import counts, delivered, write_bslz4


def main(source: Path, count: int, seed: int) -> None:
    content = source.read_bytes()
    rng = np.random.default_rng(seed)
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(count):
            damaged = bytearray(content)
            for at in rng.integers(0, len(damaged), 3):
                damaged[at] = rng.integers(256)
            if i % 5 == 0:
                del damaged[rng.integers(len(damaged)) :]
            path = Path(folder) / f"{i}{source.suffix}"
            path.write_bytes(damaged)
            inspect_file(path).as_text()
            try:
                data_set = open_dataset(path)
                if data_set.acquisition.scan.size * data_set.acquisition.frame_bytes < 1 << 24:
                    delivered(data_set)
            except (FramefoldError, UndecodableFrames):
                refused += 1
    print(f"{count} files, {refused} refused")


def every_format(folder: Path) -> list[Path]:
    """A small recording of each format."""
    data = counts((7,), (6, 6))
    made = []
    for name, write in WRITERS.items():
        (folder / name).mkdir()
        made.append(write(folder / name, data.astype("u1") if name == "blo" else data))
    (folder / "packed").mkdir()
    made.append(write_tiff(folder / "packed", data, compression="zlib"))
    made.append(write_bslz4(folder / "made.h5", data))
    np.save(folder / "made.npy", data)
    return [*made, folder / "made.npy"]


which, count, *rest = sys.argv[1:]
seed = int(rest[0]) if rest else 5
if which == "all":
    with tempfile.TemporaryDirectory() as folder:
        for path in every_format(Path(folder)):
            print(path.name, end=": ", flush=True)
            main(path, int(count), seed)
else:
    main(Path(which), int(count), seed)
