"""Messages per second and CPU per message of the receiver alone, by way of reading the wire.

Run as ``python tests/bench/bench_receiver.py [--seconds 2] [--sizes 300,1000,11000]``. A sender of
ready-made messages (pyzmq, a process of its own) feeds a receiver whose slots come back at once:
no worker looks at the frames. Both ways are measured in turn in the same run; on a shared machine
only the CPU per message, and the ratios, mean something. Not part of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import socket
import subprocess
import sys
import time
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection

import numpy as np
import zmq

from framefold.live.connecting import connect
from framefold.live.counters import Count, counters
from framefold.live.receiver import Receiver
from framefold.live.settings import MIB, StreamSettings
from framefold.live.zmtp import GREETING, READY
from framefold.processes.segment import Segment
from framefold_simulators import simplon_v1, simplon_v2
from framefold_simulators.series import Series

LANGUAGES = {"simplon-v1": simplon_v1, "simplon-v2": simplon_v2}
SIZES = (300, 1000, 11_000, 64_000, 512_000)


def detector(size: int) -> tuple[int, int]:
    """Rows and columns of a detector whose encoded frames may be of a size [bytes]."""
    side = 32
    while 2 * side * side < size * (11 if size < 16384 else 1):
        side *= 2
    return side, side


def send(protocol: str, size: int, count: int) -> None:
    """The sender's process: a header, frames in turn of 64, an end; then wait to be ended."""
    # bytes that a bslz4 blob of this size may have: nobody decodes them
    blobs = [os.urandom(size) for _ in range(64)]
    series = Series(1, (count,), detector(size), np.dtype(np.uint16))
    messages = LANGUAGES[protocol].messages(series, ((i, blobs[i % 64]) for i in range(count)))
    made = list(messages)
    pushing = zmq.Context().socket(zmq.PUSH)
    pushing.sndhwm = 1000
    port = pushing.bind_to_random_port("tcp://127.0.0.1")
    print(json.dumps(f"tcp://127.0.0.1:{port}"), flush=True)
    for message in made:
        pushing.send_multipart(message, copy=size < 16384)
    sys.stdin.read()


def pour(protocol: str, size: int, count: int) -> None:
    """Like `send`, but of ready-made bytes: a sender that costs nothing."""
    blobs = [os.urandom(size) for _ in range(64)]
    series = Series(1, (count,), detector(size), np.dtype(np.uint16))
    messages = LANGUAGES[protocol].messages(series, ((i, blobs[i % 64]) for i in range(count)))
    pieces, piece = [], bytearray()
    for message in messages:
        for number, part in enumerate(message):
            more = number + 1 < len(message)
            piece += bytes([2 | more]) + len(part).to_bytes(8) + part
        if len(piece) > MIB:
            pieces.append(bytes(piece))
            piece.clear()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(json.dumps(f"tcp://127.0.0.1:{listening.getsockname()[1]}"), flush=True)
        peer, _ = listening.accept()
        peer.sendall(GREETING + READY.replace(b"PULL", b"PUSH"))
        for one in [*pieces, bytes(piece)]:
            peer.sendall(one)
        sys.stdin.read()


def answer(connection: Connection) -> None:
    """The main process' part: every slot comes back at once; until the acquisition has ended."""
    while True:
        verb, *facts = pickle.loads(connection.recv_bytes())
        if verb == "block":
            connection.send_bytes(pickle.dumps(("free", facts[0].slot)))
        elif verb == "ended":
            assert facts[1].complete, facts[1]
            connection.send_bytes(pickle.dumps(("stop",)))
            return


def measured(
    protocol: str, way: str, size: int, count: int, sender: str = "--send"
) -> tuple[float, float]:
    """Messages per second, and CPU per message [us] of the receiver with all its threads."""
    command = [sys.executable, __file__, sender, protocol, str(size), str(count)]
    with (
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child,
        Segment.create(256 * MIB) as ring,
    ):
        assert child.stdout is not None
        endpoint = json.loads(child.stdout.readline())
        ours, theirs = Pipe()
        settings = StreamSettings(endpoint, nav_shape=(count,), transport=way)
        counts = counters(ring.bytes)
        main_process = get_context("fork").Process(target=answer, args=(theirs,))
        main_process.start()
        with connect(endpoint, way) as transport:
            receiver = Receiver(ours, transport, settings, ring.path, ring.bytes)
            while counts[Count.RECEIVED] < min(count // 8, 1000):
                receiver.turn()
            before = int(counts[Count.RECEIVED])
            wall, cpu = time.perf_counter(), time.process_time()
            receiver.run()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        main_process.join()
        child.terminate()
    return (count - before) / wall, 1e6 * cpu / (count - before)


def main() -> None:
    """Print a table."""
    if sys.argv[1:2] in (["--send"], ["--pour"]):
        (send if sys.argv[1] == "--send" else pour)(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=600, help="payload in each measurement [MiB]")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument(
        "--pour", action="store_true", help="a sender that costs nothing, to our own reading only"
    )
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    for protocol in LANGUAGES:
        for size in map(int, arguments.sizes.split(",")):
            count = min(200_000, max(1000, arguments.mib * MIB // size))
            for way in ("zmtp",) if arguments.pour else ("libzmq", "zmtp"):
                sender = "--pour" if arguments.pour else "--send"
                found = [
                    measured(protocol, way, size, count, sender) for _ in range(arguments.repeats)
                ]
                rate, cpu = np.median(found, axis=0)
                print(f"{protocol} {size:7} bytes {way:7} {rate:9.0f} messages/s {cpu:7.2f} us CPU")


if __name__ == "__main__":
    main()
