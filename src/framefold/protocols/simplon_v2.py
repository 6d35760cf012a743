"""DECTRIS SIMPLON stream v2: the CBOR stream of EIGER2, ARINA, SELUN and others."""

from __future__ import annotations

from framefold.protocols.cbor_stream import CborStream


class SimplonV2(CborStream):
    """The stream of DECTRIS detectors with ``format`` "cbor", and of anybody who sends the same."""

    name = "simplon-v2"
