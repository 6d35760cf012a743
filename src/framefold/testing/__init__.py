"""Checks for tests of users' code: UDFs keep the rules, readers and protocols tell every frame."""

from framefold.testing.checks import CHECKS
from framefold.testing.hostile import hostile_messages
from framefold.testing.protocol_tests import ProtocolTests, Sent
from framefold.testing.reader_tests import ReaderTests
from framefold.testing.trial import ContractBroken, Trial, Way
from framefold.testing.udf_tests import UDFTests

__all__ = [
    "CHECKS",
    "ContractBroken",
    "ProtocolTests",
    "ReaderTests",
    "Sent",
    "Trial",
    "UDFTests",
    "Way",
    "hostile_messages",
]
