"""UDFs run over recordings, one or many, with a result file for each that can be made again."""

from __future__ import annotations

from framefold.batch.file_run import FileRun, Manner, run_file
from framefold.batch.jobs import Job, make_jobs
from framefold.batch.outcome import Outcome, State, Verdict, table, verdict
from framefold.batch.recipe import Recipe
from framefold.batch.resume import made_before

__all__ = [
    "FileRun",
    "Job",
    "Manner",
    "Outcome",
    "Recipe",
    "State",
    "Verdict",
    "made_before",
    "make_jobs",
    "run_file",
    "table",
    "verdict",
]
