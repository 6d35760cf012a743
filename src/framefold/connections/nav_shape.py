"""The scan shape of an acquisition: who is asked for it, one after the other."""

from __future__ import annotations

import warnings
from dataclasses import replace

from framefold.connections.hooks import DetermineNavShapeEnv, Hooks
from framefold.connections.pending import PendingAcquisition
from framefold.core.scan import Scan
from framefold.core.scan_rule import ScanRule
from framefold.errors import ScanError


def is_concrete(shape: tuple[int, ...] | None) -> bool:
    """Whether nothing is left to be worked out."""
    return shape is not None and -1 not in shape


def determined(pending: PendingAcquisition, rule: ScanRule, hooks: Hooks) -> Scan:
    """The scan of an acquisition.

    A shape without ``-1`` is taken as it is. Otherwise `Hooks.on_determine_nav_shape` is asked;
    then a shape with ``-1`` is worked out from the number of frames; without any shape the
    source is asked; and at last it is guessed, with a warning.

    Parameters
    ----------
    pending : PendingAcquisition
    rule : ScanRule
        What the user said.
    hooks : Hooks

    Raises
    ------
    ScanError
        If the shape stays open, or does not go with the number of frames.
    """
    frames, hint = pending.nimages, rule.nav_shape
    if rule.positions is not None:
        return rule.fit(frames).scan
    if hint is not None and is_concrete(hint):
        return rule.fit(frames).scan
    env = DetermineNavShapeEnv(frames, hint, pending.detector_config)
    told = hooks.on_determine_nav_shape(env)
    if told is not None:
        if not is_concrete(tuple(told)):
            raise ScanError(f"on_determine_nav_shape returned {told!r}; a shape without -1 is due")
        return replace(rule, nav_shape=tuple(told)).fit(frames).scan
    if hint is not None:
        return rule.fit(frames).scan
    if pending.nav_shape is not None:
        return replace(rule, nav_shape=pending.nav_shape).fit(frames).scan
    scan = rule.fit(frames).scan
    warnings.warn(
        f"the scan shape {scan.shape} is guessed from {frames} frames; give nav_shape=, or a "
        "hook on_determine_nav_shape",
        stacklevel=2,
    )
    return scan
