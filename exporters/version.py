"""The version of the package: one text, read by the build, the command line and the metrics.

It stands in a module because reading it from the installed metadata costs a start 30 ms.
"""

__all__ = ["VERSION"]

VERSION = "0.1.0"
