"""Opens many damaged copies of recordings of every format; run as a program of its own.

``python damage_corpus.py COUNT [--seed N] [--only NAME]... [--skip-first N]``: COUNT copies of each
of `damage_recordings.MAKERS`, with flipped bits, other bytes, and ends cut off. ``--file FILE``
damages that file instead. A crash or a hang is seen from outside, and memory is limited; an
exception that is no error of ours, or a wrong frame where the format lets one know, ends it with a
traceback that names the case.

400 of each are more than 12,000 cases and take about ten minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import logging
import resource
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from damage_recordings import MAKERS, Made

from framefold.core.block import UndecodableFrames
from framefold.errors import FramefoldError
from framefold.formats import inspect_file, open_dataset
from recordings_for_tests import delivered

MEMORY = 6 << 30
"""Address space [bytes]: what a damaged header makes us ask for must come to nothing."""

PATIENCE = 60
"""How long a case may take [s]."""

MOST_PIXELS = 1 << 23
"""A damaged header can promise any scan; larger ones are opened only."""


def damage(path: Path, made: Made, rng: np.random.Generator) -> None:
    """Change a few bits or bytes of a file, or cut off its end."""
    content = bytearray(path.read_bytes())
    if not content:
        return
    kind = rng.integers(5)
    if kind == 0 and not made.within:
        del content[rng.integers(len(content)) :]
    for _ in range(rng.integers(1, 4)):
        low, high = 0, len(content)
        if made.within:
            low, high = made.within[rng.integers(len(made.within))]
        elif rng.integers(2):  # what lies at the beginning decides most
            high = min(high, 512)
        if high <= low or low >= len(content):
            continue
        at = min(int(rng.integers(low, high)), len(content) - 1)
        content[at] = rng.integers(256) if kind < 3 else content[at] ^ 1 << rng.integers(8)
    path.write_bytes(content)


def one_case(made: Made, folder: Path, rng: np.random.Generator, expected: np.ndarray) -> bool:
    """Damage a copy and read it; whether it was refused."""
    copy = folder / "copy"
    shutil.copytree(made.path.parent, copy)
    try:
        files = sorted(file for file in copy.rglob("*") if file.is_file())
        target = copy / made.path.name
        chosen = target if made.within else files[rng.integers(len(files))]
        damage(chosen, made, rng)
        inspect_file(target, **made.options).as_text()
        try:
            data_set = open_dataset(target, **made.options)
            if data_set.acquisition.scan.size * data_set.acquisition.frame_bytes > MOST_PIXELS:
                return False
            pixels, times = read(data_set)
        except FramefoldError:
            return True
        if made.within:
            shape = data_set.acquisition.nav_shape, data_set.acquisition.sig_shape
            assert pixels.shape == expected.shape, f"another shape: {shape}"
            wrong = (times > 0) & (pixels != expected).any(axis=(1, 2))
            assert not wrong.any(), f"wrong frames are valid: {np.flatnonzero(wrong)}"
        return False
    finally:
        shutil.rmtree(copy)


def read(data_set):
    """All frames that can be decoded, and how often each position was delivered."""
    acquisition = data_set.acquisition
    with contextlib.suppress(UndecodableFrames):
        return delivered(data_set)
    pixels = np.zeros((acquisition.scan.size, *acquisition.sig_shape), acquisition.dtype)
    times = np.zeros(acquisition.scan.size, np.int64)
    out = np.empty((1, *acquisition.sig_shape), acquisition.dtype)
    for position in range(acquisition.scan.size):
        block = data_set.block(0, position, position + 1)
        if block is None:
            continue
        with contextlib.suppress(UndecodableFrames), block.open() as frames:
            if len(frames.positions):
                pixels[position] = frames.read(np.zeros(1, np.int64), out)[0]
                times[position] += 1
    return pixels, times


def cases(name: str, made: Made, count: int, seed: int, skip: int) -> None:
    """All cases of a recording; each has a random state of its own, to be run alone again."""
    expected, _ = delivered(open_dataset(made.path, **made.options))
    refused = 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(skip, count):
            faulthandler.dump_traceback_later(PATIENCE, exit=True)
            rng = np.random.default_rng([seed, i, *name.encode()])
            try:
                refused += one_case(made, Path(folder), rng, expected)
            except BaseException:
                print(f"{name}: case {i} of seed {seed}", file=sys.stderr)
                raise
    faulthandler.cancel_dump_traceback_later()
    print(f"{name}: {count - skip} files, {refused} refused", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--only", action="append", choices=MAKERS)
    parser.add_argument("--skip-first", type=int, default=0)
    parser.add_argument("--file", type=Path)
    told = parser.parse_args()
    logging.disable()  # libraries tell of each damaged tag
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for name in [None] if told.file else told.only or MAKERS:
        with tempfile.TemporaryDirectory() as made_in:
            if name is None:
                path = Path(shutil.copy(told.file, made_in))
                cases(path.name, Made(path, {}), told.count, told.seed, told.skip_first)
            else:
                made = MAKERS[name](Path(made_in))
                cases(name, made, told.count, told.seed, told.skip_first)
