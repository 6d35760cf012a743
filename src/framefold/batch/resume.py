"""Resuming: whether a result file is what a run would write, so that nobody makes it twice."""

from __future__ import annotations

from pathlib import Path

from framefold.batch.recipe import Recipe
from framefold.errors import DataError
from framefold.formats.source_identity import SourceIdentity
from framefold.representations.result_file import Making


def made_before(
    target: Path, recipe: Recipe, source: SourceIdentity, *, overwrite: bool = False
) -> bool:
    """Whether a result file is complete, of this recipe, and of this recording.

    Parameters
    ----------
    target : Path
        The result file; it may be absent.
    recipe : Recipe
        What would be run.
    source : SourceIdentity
        What it would be run on.
    overwrite : bool
        Whether results of something else may be replaced.

    Returns
    -------
    bool
        False if it is to be made: it is not there, or a run of the same ended too early.

    Raises
    ------
    DataError
        If there is something else in its place that nobody allowed to be replaced.
    """
    if not target.exists():
        return False
    try:
        making = Making.read(target)
    except DataError:
        if overwrite:
            return False
        raise
    theirs = making.facts.get("source")
    same_source = theirs == source.as_dict()
    same_recipe = making.facts.get("recipe_sha256") == recipe.digest
    if same_source and same_recipe:
        return making.is_complete
    if overwrite:
        return False
    what = "other UDFs, parameters or options" if same_source else "another recording"
    if same_recipe:
        what = "a recording that has changed since, or another one"
    raise DataError(f"{target} holds results of {what}; --overwrite replaces it")
