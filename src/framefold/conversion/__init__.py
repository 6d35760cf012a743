"""Recordings written anew in another form, their encoded frames as they are where that can be."""

from __future__ import annotations

from framefold.conversion.convert import FORMS, Conversion, convert

__all__ = ["FORMS", "Conversion", "convert"]
