"""A program that processes a stream until it is killed; tells its processes, and where it is."""

from __future__ import annotations

import json
import os
import sys

from e2e.traces import children
from framefold import Context, SumSigUDF


def main(endpoint: str) -> None:
    """Run; say so with the first results."""
    with Context(workers=1) as ctx, ctx.stream(endpoint, nav_shape=(64, 64)) as stream:
        for _ in ctx.run_udf_iter(stream.next_reader(), SumSigUDF()):
            print(json.dumps(sorted(children(os.getpid()))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
