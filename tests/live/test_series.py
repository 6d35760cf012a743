"""Series are told apart."""

from __future__ import annotations

from framefold.live.series import Belongs, SeriesLedger


class TestSeriesLedger:
    """A ledger knows the series at hand and those that are over."""

    def test_messages_of_an_ended_series_are_stale(self):
        ledger = SeriesLedger()
        ledger.start("7")
        assert ledger.of("7") is Belongs.CURRENT
        ledger.end()

        assert ledger.of("7") is Belongs.STALE
        assert ledger.of("8") is Belongs.UNKNOWN

    def test_a_new_series_interrupts_the_old_one(self):
        ledger = SeriesLedger()
        assert ledger.start("7") is None

        assert ledger.start("8") == "7"
        assert ledger.of("7") is Belongs.STALE

    def test_a_restarted_detector_may_use_a_number_again(self):
        ledger = SeriesLedger()
        ledger.start("1")
        ledger.end()
        ledger.start("1")

        assert ledger.of("1") is Belongs.CURRENT
