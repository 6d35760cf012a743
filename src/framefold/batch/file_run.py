"""One recording run through UDFs, and its result file written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from framefold.api import Context
from framefold.batch.jobs import Job
from framefold.batch.outcome import Outcome, State
from framefold.batch.recipe import Recipe
from framefold.batch.resume import made_before
from framefold.build.pipeline import make_pipeline
from framefold.core.snapshot import RunState, Snapshot
from framefold.engine.run import Run
from framefold.errors import DataError
from framefold.formats import FileDataSet, open_dataset
from framefold.formats.source_identity import SourceIdentity
from framefold.representations.calibration import Calibration
from framefold.representations.hdf5 import write_results

Told = Callable[[int, int], None]
"""Told how many positions are merged, and of how many."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How to go about a run; nothing of it shows in the results.

    Parameters
    ----------
    resume : bool
        Whether results that had been made before are left as they are.
    overwrite : bool
        Whether other results may be replaced.
    dry_run : bool
        Whether to try users' UDFs on made-up frames first.
    expected : SourceIdentity or None
        What the recording must still be.
    """

    resume: bool = False
    overwrite: bool = False
    dry_run: bool = True
    expected: SourceIdentity | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FileRun:
    """A run over one recording that is over.

    Parameters
    ----------
    outcome : Outcome
        What became of it.
    run : Run or None
        The run itself; None if there was none.
    """

    outcome: Outcome
    run: Run | None


def run_file(
    job: Job,
    recipe: Recipe,
    ctx: Context,
    *,
    told: Told,
    manner: Manner | None = None,
) -> FileRun:
    """Run a recipe on one recording.

    Parameters
    ----------
    job : Job
        The recording, and where results go.
    recipe : Recipe
        What to run.
    ctx : Context
        Whose workers to use.
    told : callable
        Told of progress.
    manner : Manner or None
        In which way; none in particular by default.

    Raises
    ------
    FramefoldError
        If the recording cannot be read, the recipe cannot be run, or the file cannot be written.
    """
    manner = manner or Manner()
    expected = manner.expected
    dataset = open_dataset(job.source, **recipe.opening)
    source = identity_of(dataset, recipe)
    if expected is not None and source != expected:
        raise DataError(
            f"{job.source} has changed since those results were made ({expected.size_bytes} bytes "
            f"in {expected.files} files then, {source.size_bytes} in {source.files} now, or "
            "written anew); name the recording beside --again to use it all the same"
        )
    if (
        manner.resume
        and job.target is not None
        and made_before(job.target, recipe, source, overwrite=manner.overwrite)
    ):
        reason = "results had been made before"
        return FileRun(Outcome(job.source, job.target, State.SKIPPED, reason), None)
    run = Run(
        dataset.reader(), make_pipeline(recipe.pipeline), ctx.pool,
        ordered=recipe.ordered, dry_run=manner.dry_run,
    )  # fmt: skip
    snapshot = _drive(run, told, inline=ctx.pool.in_this_thread)
    if job.target is not None:
        metadata = dataset.acquisition.metadata
        known = Calibration.of(metadata, recipe.scan_step, recipe.pixel_size)
        provenance = _provenance(run, recipe, source)
        target = write_results(
            job.target,
            snapshot,
            provenance,
            calibration=known,
            overwrite=manner.overwrite or manner.resume,
        )
        return FileRun(_outcome(job.source, target, snapshot, run), run)
    return FileRun(_outcome(job.source, None, snapshot, run), run)


def identity_of(dataset: FileDataSet, recipe: Recipe) -> SourceIdentity:
    """Which files a recording consists of, those included that the recipe names."""
    positions = recipe.opening.get("positions")
    return SourceIdentity.of(dataset, positions if isinstance(positions, str) else None)


def _provenance(run: Run, recipe: Recipe, source: SourceIdentity) -> dict[str, object]:
    return {
        "source": source.as_dict(),
        "recipe": recipe.as_dict(),
        "recipe_sha256": recipe.digest,
        "statistics": dict(run.statistics()),
        "report": run.report().as_dict(),
    }


def _drive(run: Run, told: Told, *, inline: bool) -> Snapshot:
    told(0, run.fold.wanted)
    if inline:
        for _ in run.steps():
            told(run.fold.merged, run.fold.wanted)
    else:
        run.start()
        seen = 0
        try:
            while not run.state.is_final:
                seen = run.wait_for_blocks(seen)
                told(run.fold.merged, run.fold.wanted)
            run.join()
        except KeyboardInterrupt:
            run.cancel(at_once=True)
            run.join()
            raise
    told(run.fold.merged, run.fold.wanted)
    return run.latest


def _outcome(source: Path, target: Path | None, snapshot: Snapshot, run: Run) -> Outcome:
    state, reason = State.COMPLETE, snapshot.reason
    if snapshot.state is RunState.ABORTED or snapshot.merged < snapshot.wanted:
        state = State.INCOMPLETE
    if snapshot.state is RunState.FAILED:
        state = State.FAILED
    if snapshot.failures:
        state = State.FAILED
        reason = "; ".join(f"{f.udf} failed: {f.error}" for f in snapshot.failures)
    rate = float(run.statistics()["frames_per_second"])
    return Outcome(source, target, state, reason, snapshot.merged, snapshot.wanted, rate)
