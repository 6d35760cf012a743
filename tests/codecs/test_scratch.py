"""Scratch memory is kept from call to call, grows, and is each thread's own."""

from __future__ import annotations

import threading

from framefold.codecs.scratch import scratch


class TestScratch:
    def test_is_kept_and_aligned(self):
        first = scratch(1000)

        assert first % 64 == 0
        assert scratch(1000) == first
        assert scratch(10) == first

    def test_belongs_to_one_thread(self):
        mine = scratch(5000)
        found = []
        thread = threading.Thread(target=lambda: found.append(scratch(5000)))
        thread.start()
        thread.join()

        assert found[0] != mine
