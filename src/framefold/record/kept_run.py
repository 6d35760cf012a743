"""KeptRun: a run that is over, with nothing left of it but its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefold.core.picking import Picked
from framefold.core.scan_rule import ScanRule
from framefold.core.snapshot import Snapshot
from framefold.errors import FrameNotHeldError, ParameterError

Statistics = Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What of a run those can see who only look on.

    Parameters
    ----------
    ident, name : str
        As the run's.
    latest : Snapshot
        The last one.
    told : mapping
        Its statistics.
    """

    ident: str
    name: str
    latest: Snapshot
    told: Statistics

    def statistics(self) -> Statistics:
        """Rates and lags, for people."""
        return self.told

    def want(self) -> bool:
        """There is nothing newer."""
        return False

    def watch(self, callback: Callable[[Snapshot], None]) -> Callable[[], None]:  # noqa: ARG002
        """Nothing will ever be published."""
        return lambda: None

    def refolded(self, rule: ScanRule) -> Snapshot:
        """It cannot be shown in another scan: what that would need is not in the file.

        Raises
        ------
        ParameterError
            Always.
        """
        raise ParameterError(
            f"{rule}: of acquisition {self.ident!r} only the results are kept, in its own scan; "
            "run on its recording, if there is one, to see it in another"
        )

    def picked(self, positions: NDArray[np.int64]) -> Picked:
        """Its frames are gone.

        Raises
        ------
        FrameNotHeldError
            Always.
        """
        raise FrameNotHeldError(self.ident, positions.tolist())
