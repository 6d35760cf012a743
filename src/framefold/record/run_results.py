"""The results of a run, kept beside the recording of its frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from framefold.engine.run import Run
from framefold.record.plan import MASTER_ENDING
from framefold.record.state import RecordingState
from framefold.representations.hdf5 import write_results

RESULTS_ENDING = "_results.h5"
"""What follows the name of a recording in that of its results."""


def keep_results(
    run: Run, recording: RecordingState, pipeline: Sequence[Mapping[str, object]]
) -> Path:
    """Write what a run found beside its recording.

    Parameters
    ----------
    run : Run
        It is over.
    recording : RecordingState
        What was recorded of the same acquisition, to the end.
    pipeline : sequence of mapping
        Names, UDFs and parameters, for whoever wants to make the results again.

    Returns
    -------
    pathlib.Path
        The file: the recording's name with ``_results.h5``.

    Raises
    ------
    DataError
        If it cannot be written.
    """
    name = recording.file.removesuffix(MASTER_ENDING)
    source = {"path": recording.file, "state": recording.state, "frames": recording.frames}
    provenance = {"source": source, **provenance_of(run, pipeline)}
    return write_results(name + RESULTS_ENDING, run.latest, provenance)


def provenance_of(run: Run, pipeline: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """What a file of results says of the run, beside the results."""
    return {
        "pipeline": list(pipeline),
        "statistics": dict(run.statistics()),
        "report": run.report().as_dict(),
    }
