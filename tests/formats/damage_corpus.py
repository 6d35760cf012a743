"""Opens many damaged copies of a file; run as a program of its own."""

import sys
import tempfile
from pathlib import Path

import numpy as np

from framefold.core.block import UndecodableFrames
from framefold.errors import FramefoldError
from framefold.formats import inspect_file, open_dataset
from recordings_for_tests import delivered


def main(source: Path, count: int) -> None:
    content = source.read_bytes()
    rng = np.random.default_rng(5)
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(count):
            damaged = bytearray(content)
            for at in rng.integers(0, len(damaged), 3):
                damaged[at] = rng.integers(256)
            if i % 5 == 0:
                del damaged[rng.integers(len(damaged)) :]
            path = Path(folder) / f"{i}.h5"
            path.write_bytes(damaged)
            inspect_file(path).as_text()
            try:
                data_set = open_dataset(path)
                if data_set.acquisition.scan.size * data_set.acquisition.frame_bytes < 1 << 24:
                    delivered(data_set)
            except (FramefoldError, UndecodableFrames):
                refused += 1
    print(f"{count} files, {refused} refused")


main(Path(sys.argv[1]), int(sys.argv[2]))
