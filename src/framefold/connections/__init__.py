"""Connections: what a script opens to get at a detector, one acquisition after another."""

from __future__ import annotations

from framefold.connections.acquisition import LiveAcquisition, make_acquisition
from framefold.connections.connection import Connection
from framefold.connections.hooks import (
    DetermineNavShapeEnv,
    EndEnv,
    Hooks,
    PartitionEnv,
    ReadyForDataEnv,
)
from framefold.connections.pending import PendingAcquisition
from framefold.registry import Registry

__all__ = [
    "CONNECTIONS",
    "Connection",
    "DetermineNavShapeEnv",
    "EndEnv",
    "Hooks",
    "LiveAcquisition",
    "PartitionEnv",
    "PendingAcquisition",
    "ReadyForDataEnv",
    "make_acquisition",
]

CONNECTIONS = Registry(
    "connection",
    {
        "dectris": "framefold.connections.dectris:DectrisConnector",
        "memory": "framefold.connections.memory:MemoryConnector",
        "merlin": "framefold.connections.merlin:MerlinConnector",
        "plain": "framefold.connections.plain:PlainConnector",
    },
    group="framefold.connections",
)
"""Name -> class; made with a function that opens streams, it has ``open(...)``."""
