"""Decoding alone, one thread, ours and dectris-compression in turns in one process."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
# what encodes lies beside, as pytest.ini there has it
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import numpy as np  # noqa: E402
from encoded_frames import EncodedFrames, frames  # noqa: E402

from framefold.codecs import warm  # noqa: E402


def best_rates(
    calls: dict[str, Callable[[], object]], size_bytes: int, seconds: float
) -> dict[str, float]:
    """The best rate of each call [GB/s], taken in turns."""
    best = dict.fromkeys(calls, float("inf"))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: size_bytes / taken / 1e9 for name, taken in best.items()}


def main() -> None:
    """One record for each kind of data and each side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", required=True)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    warm()
    with open(arguments.json, "a") as out:
        for kind in ("sparse", "dense"):
            encoded = EncodedFrames("bslz4", frames(kind, "uint16"))
            np.testing.assert_array_equal(encoded.decode(), encoded.pixels[-len(encoded.tile) :])
            calls = {"ours": encoded.decode, "peer": encoded.decode_theirs}
            rates = best_rates(calls, encoded.pixels.nbytes, arguments.seconds)
            for side, rate in rates.items():
                record = {"kind": "decode", "udf": kind, "side": side, "gbps": rate}
                out.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
