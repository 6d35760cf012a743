"""Exit codes: what commands tell the shell, in one place."""

from __future__ import annotations

OK = 0
"""All went well."""
FAILED = 1
"""Something went wrong; of several files: with all of them."""
DIFFERENT = 1
"""Two result files differ."""
WRONG_USE = 2
"""The command line makes no sense, or a file is not there."""
SOME_FAILED = 3
"""With some of several files something went wrong; the others are done."""
NOTHING_TO_DO = 4
"""Everything was done before."""
INTERRUPTED = 130
"""Ctrl-C, as shells have it."""
