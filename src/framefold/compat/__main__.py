"""``python -m framefold.compat script.py [arguments]`` runs a script with the names lent."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from framefold.compat import CompatError, activate

USAGE = (
    "usage: python -m framefold.compat SCRIPT [ARGUMENTS]\n       "
    "python -m framefold.compat -m MODULE [ARGUMENTS]"
)


def main(arguments: list[str]) -> int:
    """Run a script or a module as if it had been called itself.

    Parameters
    ----------
    arguments : list of str
        The script, or ``-m`` and a module, and what is for them.

    Returns
    -------
    int
        2 for wrong use, 1 if the names cannot be lent; else what the script makes of it.
    """
    as_module = arguments[:1] == ["-m"]
    rest = arguments[1:] if as_module else arguments
    if not rest or rest[0] in ("-h", "--help"):
        (sys.stdout if rest else sys.stderr).write(f"{USAGE}\n")
        return 0 if rest else 2
    if not as_module and not Path(rest[0]).is_file():
        sys.stderr.write(f"framefold.compat: there is no script {rest[0]}\n")
        return 2
    try:
        activate()
    except CompatError as error:
        sys.stderr.write(f"framefold.compat: {error}\n")
        return 1
    sys.argv = list(rest)
    if as_module:
        sys.path.insert(0, "")
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(rest[0]).resolve().parent))
        runpy.run_path(rest[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
