"""``libertem.__version__``: the version whose names these are."""

__version__ = "0.16.0+framefold"
