"""Blocks of dead workers are redone, and one that kills is set aside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framefold.engine.dispatch import Dispatch


def make(workers: int) -> Dispatch:
    dispatch = Dispatch()
    for number in range(workers):
        dispatch.seat(number)
    return dispatch


class TestDispatch:
    """Dispatch gives every ticket to one worker at a time."""

    def test_new_blocks_go_to_the_worker_with_least_to_do(self):
        dispatch = make(2)
        dispatch.assign(0, 1)

        assert dispatch.idlest() == 1

    def test_a_worker_holds_two_blocks_at_most(self):
        dispatch = make(1)
        dispatch.assign(0, 1)
        assert dispatch.idlest() == 0
        dispatch.assign(0, 2)

        assert dispatch.idlest() is None

    def test_memory_of_an_unfolded_result_counts_as_a_block(self):
        dispatch = make(1)
        dispatch.assign(0, 1)
        dispatch.assign(0, 2)
        assert dispatch.done(0, 1)
        assert dispatch.idlest() is None
        dispatch.folded(0)

        assert dispatch.idlest() == 0

    def test_a_ticket_is_done_once(self):
        dispatch = make(1)
        dispatch.assign(0, 1)

        assert dispatch.done(0, 1)
        assert not dispatch.done(0, 1)

    def test_blocks_of_a_dead_worker_go_to_one_without_work(self):
        dispatch = make(1)
        dispatch.assign(0, 1)
        dispatch.assign(0, 2)
        loss = dispatch.lost(0)
        assert set(loss.redo) == {1, 2}
        assert loss.set_aside is None
        dispatch.seat(7)

        assert dispatch.idlest() is None  # new blocks wait until the old ones are placed
        assert dispatch.next_redo() == (7, 2)  # the innocent one first
        dispatch.assign(7, 2)
        assert dispatch.next_redo() is None  # the suspect works alone
        dispatch.done(7, 2)
        dispatch.folded(7)
        assert dispatch.next_redo() == (7, 1)

    def test_a_block_that_kills_two_workers_is_set_aside(self):
        dispatch = make(1)
        dispatch.assign(0, 1)
        assert dispatch.lost(0).set_aside is None
        dispatch.seat(1)
        worker, ticket = dispatch.next_redo()
        dispatch.assign(worker, ticket)

        loss = dispatch.lost(1)
        assert loss.set_aside == 1
        assert loss.redo == ()
        assert dispatch.outstanding == 0

    @given(st.lists(st.sampled_from(["give", "done", "die", "redo"]), max_size=80))
    def test_no_ticket_is_lost_or_done_twice(self, actions):
        dispatch = make(2)
        workers, given_out, ended = [0, 1], {}, []
        next_worker, next_ticket, given_count = 2, 1, 0
        for action in actions:
            if action == "give" and (worker := dispatch.idlest()) is not None:
                dispatch.assign(worker, next_ticket)
                given_out.setdefault(worker, []).append(next_ticket)
                next_ticket += 1
                given_count += 1
            elif action == "done" and any(given_out.values()):
                worker = next(w for w, tickets in given_out.items() if tickets)
                ticket = given_out[worker].pop(0)
                assert dispatch.done(worker, ticket)
                dispatch.folded(worker)
                ended.append(ticket)
            elif action == "die":
                worker = workers.pop(0)
                loss = dispatch.lost(worker)
                held = given_out.pop(worker, [])
                aside = [] if loss.set_aside is None else [loss.set_aside]
                assert sorted([*loss.redo, *aside]) == sorted(held)
                ended.extend(aside)
                dispatch.seat(next_worker)
                workers.append(next_worker)
                next_worker += 1
            elif action == "redo" and (found := dispatch.next_redo()) is not None:
                dispatch.assign(*found)
                given_out.setdefault(found[0], []).append(found[1])

        assert len(ended) == len(set(ended))
        assert dispatch.outstanding == given_count - len(ended)
