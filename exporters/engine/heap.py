"""Memory held for the next batch, and given back to the system after much has been read.

In: nothing. Out: nothing. Reading leaves a few MiB in the C library's heap that are free and still held; what is in use
is the same as before.
"""

from __future__ import annotations

import contextlib
import gc

__all__ = ["TRIM_BYTES", "hold_heap", "rest_collector", "trim_heap"]

TRIM_BYTES = 16 << 20
"""How much is read between two looks at the heap; at 15 MB/s no cost is to be seen, one look a second."""


_HELD_BYTES = 4 << 20


def hold_heap() -> None:
    """Have the C library keep the memory of one batch for the next, instead of giving it back after each.

    glibc gives back the top of its heap once more is free there than twice the largest block it ever had from the
    system and freed; of a batch's three copies that is soon so, and getting the pages anew costs a sixth of reading. A
    block of this size, never touched, costs nothing. Source: mallopt(3), M_MMAP_THRESHOLD.
    """
    bytearray(_HELD_BYTES)


_OBJECTS_BETWEEN = 20_000
"""More new objects than a batch makes; Python's own 700 are a look or two for each batch."""


def rest_collector() -> None:
    """Have Python look for cycles of garbage seldom: there are hardly any, and to look costs 3 % of reading with ids.

    Each look goes through what pairs remember, too, which is the largest part of what there is.
    """
    gc.set_threshold(_OBJECTS_BETWEEN)


def trim_heap() -> None:
    """Have the C library return its free pages, if it can: glibc can, musl and macOS need not."""
    import ctypes  # a start need not pay for it

    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
