"""A process that cannot reach anybody: the kernel kills it at its first attempt to open an outgoing connection.

In: a command line. Out: that program in place of this one, under a seccomp filter it can never take off again, nor can
anything it starts. Listening and answering stay possible. `python tests/no_live/guard.py COMMAND [ARGUMENT]...`

Killed with SIGSYS: connect(), sending to an address, TCP fast open, any Internet socket that is not TCP (so no DNS
either), io_uring. Source: seccomp(2), bpf(2) and linux/filter.h; the numbers are those of the two common machines.
"""

from __future__ import annotations

import ctypes
import os
import platform
import socket
import sys
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MACHINES", "forbid_connections"]


class Machine(NamedTuple):
    """What a kernel calls itself and its system calls."""

    arch: int
    socket: int
    connect: int
    sendto: int
    sendmsg: int
    sendmmsg: int
    io_uring_setup: int = 425


MACHINES = {
    "x86_64": Machine(0xC000003E, socket=41, connect=42, sendto=44, sendmsg=46, sendmmsg=307),
    "aarch64": Machine(0xC00000B7, socket=198, connect=203, sendto=206, sendmsg=211, sendmmsg=269),
}

_LOAD, _EQUAL, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x45, 0x54, 0x06
_KILL, _ALLOW = 0x80000000, 0x7FFF0000
_NUMBER, _ARCH = 0, 4
_FASTOPEN = 0x20000000
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2

Instruction = tuple[int, int, int, int]


class _Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("yes", ctypes.c_ubyte), ("no", ctypes.c_ubyte), ("k", ctypes.c_uint32)]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Filter))]


def forbid_connections() -> None:
    """Put the filter on this process and all its children to come.

    Raises:
        OSError: if the kernel refuses it.
    """
    steps = list(_program(MACHINES[platform.machine()]))
    program = _Program(len(steps), (_Filter * len(steps))(*(_Filter(*step) for step in steps)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


def _program(machine: Machine) -> Iterator[Instruction]:
    yield from [(_LOAD, 0, 0, _ARCH), (_EQUAL, 1, 0, machine.arch), (_RETURN, 0, 0, _KILL)]
    for number in (machine.connect, machine.io_uring_setup):
        yield from _call(number, [(_RETURN, 0, 0, _KILL)])
    low, high = _argument(4), _argument(4) + 4
    with_address = [(_LOAD, 0, 0, low), (_EQUAL, 0, 2, 0), (_LOAD, 0, 0, high), (_EQUAL, 1, 0, 0)]
    yield from _call(machine.sendto, [*with_address, (_RETURN, 0, 0, _KILL)])
    for number, flags in ((machine.sendmsg, 2), (machine.sendmmsg, 3)):
        yield from _call(number, [(_LOAD, 0, 0, _argument(flags)), (_ANY_BIT, 0, 1, _FASTOPEN), (_RETURN, 0, 0, _KILL)])
    inet = [(_LOAD, 0, 0, _argument(0)), (_EQUAL, 1, 0, socket.AF_INET), (_EQUAL, 0, 4, socket.AF_INET6)]
    not_tcp = [(_LOAD, 0, 0, _argument(1)), (_AND, 0, 0, 0xF), (_EQUAL, 1, 0, socket.SOCK_STREAM)]
    yield from _call(machine.socket, [*inet, *not_tcp, (_RETURN, 0, 0, _KILL)])
    yield (_RETURN, 0, 0, _ALLOW)


def _call(number: int, steps: list[Instruction]) -> Iterator[Instruction]:
    """Yield the steps to take for one system call, and the jump over them for every other."""
    yield from [(_LOAD, 0, 0, _NUMBER), (_EQUAL, 0, len(steps), number), *steps]


def _argument(place: int) -> int:
    """Return where the lower half of an argument lies."""
    return 16 + 8 * place


if __name__ == "__main__":
    forbid_connections()
    os.execvp(sys.argv[1], sys.argv[1:])
