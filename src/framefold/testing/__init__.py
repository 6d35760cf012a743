"""Checks for tests of users' code: that a UDF keeps the rules, that a reader gives every frame."""

from framefold.testing.checks import CHECKS
from framefold.testing.reader_tests import ReaderTests
from framefold.testing.trial import ContractBroken, Trial, Way
from framefold.testing.udf_tests import UDFTests

__all__ = ["CHECKS", "ContractBroken", "ReaderTests", "Trial", "UDFTests", "Way"]
