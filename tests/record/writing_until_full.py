"""A program that records made-up frames on a disk that becomes full: no file may grow further."""

from __future__ import annotations

import json
import resource
import signal
import sys
from typing import Any

from framefold.core.losses import Losses
from framefold.core.reader import Ending
from framefold.record.recorder import Recorder
from framefold.record.settings import RecordingSettings
from record.test_recorder import acquisition, block

LIMIT_BYTES = 100_000


def main(folder: str) -> None:
    """Record until it stops; say how that went."""
    told: list[Any] = []
    given_back: list[int] = []

    def tell(verb: str, fact: Any) -> None:
        (given_back if verb == "written" else told).append(fact)

    recorder = Recorder(RecordingSettings(folder, flush_seconds=0.0, min_free_bytes=0), tell)
    recorder.begin(acquisition((500, 8)))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
    safe = 0
    for i in range(500):
        recorder.write(block(i))
        if not told[-1].is_over:
            safe = told[-1].safe
    recorder.end(Ending(True, "done", Losses()))
    last = told[-1].as_dict()
    print(json.dumps({"given_back": len(given_back), "safe": safe, "last": last}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
