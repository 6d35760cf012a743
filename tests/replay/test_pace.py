"""When each message of a replay is due."""

import pytest

from framefold.errors import ParameterError
from framefold.replay.pace import Pace


class TestPace:
    """Recorded, scaled, fixed, or free."""

    def test_due(self):
        assert Pace(speed=1.0).due(3, 1.5) == 1.5
        assert Pace(speed=2.0).due(3, 1.5) == 0.75
        assert Pace(speed=2.0).due(3, None) == 0.0
        assert Pace(rate=10.0).due(3, 1.5) == 0.3
        assert Pace().due(3, 1.5) == 0.0
        assert Pace().is_free

    @pytest.mark.parametrize("wrong", [0, -1, float("inf"), float("nan")])
    def test_no_pace(self, wrong):
        with pytest.raises(ParameterError, match="above 0"):
            Pace(speed=wrong)
        with pytest.raises(ParameterError, match="above 0"):
            Pace(rate=wrong)

    def test_not_both(self):
        with pytest.raises(ParameterError, match="either"):
            Pace(1.0, 1.0)
