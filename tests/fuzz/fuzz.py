"""Feed hostile messages to what reads bytes from a network: ``python -m fuzz.fuzz TARGET``."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from framefold.testing import hostile_messages
from fuzz.fuzz_targets import Message, Target, targets

CORPUS = Path(__file__).parent / "corpus"
_LONGEST = 1500  # bytes of a message that is kept
_EACH = 3  # kept for each outcome


def main() -> int:
    """Run one target; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", choices=sorted(targets()))
    parser.add_argument("--list", action="store_true", help="print the names of all targets")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="add new outcomes to the corpus")
    options = parser.parse_args()
    if options.list or options.target is None:
        print(*sorted(targets()))
        return 0
    target = targets()[options.target]
    begin = time.monotonic()
    outcomes, kept, wrong = attack(target, options.cases, options.seed)
    took = time.monotonic() - begin
    print(f"{options.target} cases={sum(outcomes.values())} seed={options.seed} seconds={took:.0f}")
    print("  " + " ".join(f"{name}={count}" for name, count in outcomes.most_common()))
    if options.keep:
        keep(options.target, kept)
    if wrong:
        print(wrong)
    return int(bool(wrong))


def attack(
    target: Target, cases: int, seed: int
) -> tuple[Counter[str], dict[str, list[Message]], str]:
    """Outcomes of so many cases, short messages for each, and what is wrong with the first bad one.

    Parameters
    ----------
    target : Target
    cases, seed : int
    """
    outcomes: Counter[str] = Counter()
    kept: dict[str, list[Message]] = {}
    look = target.make()
    for number, message in enumerate(itertools.islice(hostile_messages(target.good, seed), cases)):
        try:
            outcome = look(message)
        except Exception:
            text = f"case {number} of seed {seed}\nwrong {written(message)}"
            return outcomes, kept, f"{text}\n{traceback.format_exc()}"
        outcomes[outcome] += 1
        found = kept.setdefault(outcome, [])
        if len(found) < _EACH and sum(map(len, message)) <= _LONGEST:
            found.append(message)
    return outcomes, kept, ""


def written(message: Message) -> str:
    """The parts of a message in hexadecimal."""
    return " ".join(part.hex() or "-" for part in message) or "nothing"


def read(line: str) -> tuple[str, list[bytes]]:
    """Outcome and message of a line of the corpus."""
    outcome, *parts = line.split()
    return outcome, [] if parts == ["nothing"] else [
        b"" if part == "-" else bytes.fromhex(part) for part in parts
    ]


def keep(name: str, kept: dict[str, list[Message]]) -> None:
    """Add messages with outcomes that are new to the corpus of a target."""
    path = CORPUS / f"{name}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    known = Counter(line.split()[0] for line in lines)
    look = targets()[name]
    for outcome, messages in kept.items():
        for message in messages:
            # alone, a message may mean something else than after others
            if known[outcome] < _EACH and look.make()(message) == outcome:
                lines.append(f"{outcome} {written(message)}")
                known[outcome] += 1
    path.write_text("\n".join(sorted(set(lines))) + "\n")


if __name__ == "__main__":
    sys.exit(main())
