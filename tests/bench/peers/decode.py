"""Decoding alone, one thread, ours and dectris-compression in turns in one process."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench_codecs import compare, frames

from framefold.codecs import warm


def main() -> None:
    """One record for each kind of data and each side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", required=True)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    warm()
    with open(arguments.json, "a") as out:
        for kind in ("sparse", "dense"):
            _, rates = compare(frames(kind, "uint16"), arguments.seconds)
            for side, name in (("ours", "ours"), ("peer", "theirs")):
                record = {"kind": "decode", "udf": kind, "side": side, "gbps": rates[name]}
                out.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
