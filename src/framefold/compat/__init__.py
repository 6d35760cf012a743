"""The import names that UDFs written for LiberTEM use, when somebody asks for them.

``framefold.compat.activate()``, or ``python -m framefold.compat script.py``, makes
``import libertem...`` find thin modules of this package. Nothing happens by itself.
"""

from framefold.compat.names import CompatError, activate, deactivate, is_active

__all__ = ["CompatError", "activate", "deactivate", "is_active"]
