"""Passwords: hashed by argon2id, compared in the same time whether or not there is such an account."""

from __future__ import annotations

import threading
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from edge_agent.errors import AgentError, InputError

MIN_LENGTH: Final = 10
_MAX_LENGTH: Final = 200
_MIN_DIFFERENT: Final = 5
# OWASP's recommendation for argon2id. A hash takes 19 MiB while it is made.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_AT_ONCE: Final = 2
"""How many hashes are made at a time: logins must not take the processor and the memory from everything else."""
_WAIT_S: Final = 15.0
_slots: Final = threading.BoundedSemaphore(_AT_ONCE)
# Of no password that anybody has: what is compared where there is no account of a name.
_NOBODY: Final = _HASHER.hash("\0nobody")


class Busy(AgentError):
    """So many people log in at once that this one has to try again."""


def hash_password(password: str) -> str:
    """The hash of a password, with its salt and parameters.

    Raises:
        Busy: Too many are made at once.
    """
    with _Slot():
        return _HASHER.hash(_normal(password))


def verify_password(password: str, hashed: str | None) -> bool:
    """Whether a password has this hash. It takes as long where there is no hash to compare with.

    Args:
        password: What somebody typed.
        hashed: From :func:`hash_password`; ``None`` where there is no such account.

    Raises:
        Busy: Too many are made at once.
    """
    with _Slot():
        try:
            _HASHER.verify(_NOBODY if hashed is None else hashed, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
    return hashed is not None


def is_outdated(hashed: str) -> bool:
    """Whether a hash was made with parameters that are no longer the best."""
    return _HASHER.check_needs_rehash(hashed)


def check_new_password(password: str, name: str) -> None:
    """Refuse a password that is easily guessed.

    Args:
        password: The new one.
        name: The account's name, which must not be most of it.

    Raises:
        InputError: It is too short, too long, too uniform, or the name. The message does not quote it.
    """
    plain = _normal(password)
    if not MIN_LENGTH <= len(plain) <= _MAX_LENGTH:
        raise InputError("the new password", expected=f"{MIN_LENGTH} to {_MAX_LENGTH} characters")
    rest = plain.casefold().replace(name.casefold(), "")
    if len(set(plain)) < _MIN_DIFFERENT or len(rest) < MIN_LENGTH // 2:
        raise InputError(
            "the new password", received="one that is easily guessed", expected="several words that only you combine"
        )


class _Slot:
    """A place among those that make a hash."""

    def __enter__(self) -> None:
        if not _slots.acquire(timeout=_WAIT_S):
            raise Busy("too many people log in at this moment", remedy="Try again in a minute")

    def __exit__(self, *_: object) -> None:
        _slots.release()


def _normal(password: str) -> str:
    """The same letters however a keyboard composes them."""
    return unicodedata.normalize("NFKC", password[: 4 * _MAX_LENGTH])
