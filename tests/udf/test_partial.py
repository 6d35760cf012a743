"""What travels from worker to main side."""

from __future__ import annotations

import pickle
import threading

from framefold.udf import UDFError


class TestErrorsTravel:
    """A UDFError can always be pickled."""

    def test_an_exception_that_cannot(self) -> None:
        class Odd(Exception):
            def __init__(self, a: int, b: int) -> None:
                super().__init__("odd")

        error = UDFError.of(Odd(1, 2))
        there = pickle.loads(pickle.dumps(error))

        assert there.exception is None
        assert (there.type_name, there.message) == ("Odd", "odd")

    def test_an_exception_that_holds_what_cannot(self) -> None:
        error = UDFError.of(ValueError(threading.Lock()))

        assert pickle.loads(pickle.dumps(error)).exception is None

    def test_traceback_goes_along(self) -> None:
        try:
            raise KeyError("x")
        except KeyError as caught:
            error = UDFError.of(caught)
        there = pickle.loads(pickle.dumps(error)).exception

        assert isinstance(there, KeyError)
        assert "test_traceback_goes_along" in there.__notes__[-1]
