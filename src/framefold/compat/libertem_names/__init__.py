"""``libertem``: the package users know; what it lends lies in the modules below it."""

__version__ = "0.16.0+framefold"
