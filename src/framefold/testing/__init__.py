"""Checks that a UDF keeps the rules that results depend on; for tests of users' UDFs."""

from framefold.testing.checks import CHECKS
from framefold.testing.trial import ContractBroken, Trial, Way
from framefold.testing.udf_tests import UDFTests

__all__ = ["CHECKS", "ContractBroken", "Trial", "UDFTests", "Way"]
