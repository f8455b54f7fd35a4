"""The console's version: the installed package's.

In: nothing. Out: a text.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["VERSION"]

try:
    VERSION = version("peak-trade-exporters")
except PackageNotFoundError:  # from a folder, without an installation
    VERSION = "0"
