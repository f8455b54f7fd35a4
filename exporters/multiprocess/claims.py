"""Who writes which files of the folder, and whether that process still lives.

In: a folder and a process's token, which is part of its files' names. Out: yes or no. A recording process of ours holds
a lock on `<token>.lock` as long as it lives, however it ends, so no pid can be mistaken for another; of others, whose
token is their pid, the pid is asked for, which can only make them seem to live longer.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from pathlib import Path

__all__ = ["LOCK_ENDING", "Claim", "FolderError", "is_alive", "remove_claim", "stake", "take_folder"]

LOCK_ENDING = ".lock"
_OWNER = "owner"


class FolderError(Exception):
    """The folder cannot be used."""


class Claim:
    """What a process holds while it lives: a lock in the folder, under a token no other process ever has."""

    def __init__(self, token: str, descriptor: int) -> None:
        self.token = token
        self._descriptor = descriptor

    def let_go(self) -> None:
        """Close our end of the lock: after a fork, when it belongs to the parent, or at the end."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


def stake(folder: Path) -> Claim:
    """Claim a token of our own.

    Raises:
        OSError: if the folder cannot be written to.
    """
    while True:
        token = f"{os.getpid()}-{secrets.token_hex(6)}"
        path = folder / f"{token}{LOCK_ENDING}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return Claim(token, descriptor)
        except FileNotFoundError:  # taken for that of a dead process before it was locked
            pass
        except OSError:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        os.close(descriptor)


def is_alive(folder: Path, token: str) -> bool:
    """Whether the process of a token still lives."""
    try:
        descriptor = os.open(folder / f"{token}{LOCK_ENDING}", os.O_RDWR)
    except FileNotFoundError:
        return _pid_exists(token.partition("-")[0])
    except OSError:
        return True  # who cannot look must not judge
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove_claim(folder: Path, token: str) -> None:
    """Remove the lock a dead process left; one that is held stays."""
    path = folder / f"{token}{LOCK_ENDING}"
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)


def take_folder(folder: Path, exporter: str) -> Claim:
    """Make the folder if need be, and become the one process that folds in it.

    Raises:
        FolderError: if it cannot be made or written to, or if another process has it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / _OWNER, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FolderError(f"{folder}: {exporter} cannot use this folder: {reason}; give another one") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        remedy = "stop it, or give this one another folder"
        raise FolderError(f"{folder}: another process serves this folder; {remedy}") from error
    return Claim(_OWNER, descriptor)


def _pid_exists(pid: str) -> bool:
    if not (pid.isascii() and pid.isdigit()):
        return True  # not a pid, so nobody can tell
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
