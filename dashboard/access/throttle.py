"""Slows down who guesses passwords: by account and by address. Pure: time goes in, a wait comes out."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

FREE_TRIES: Final = 5
"""Wrong passwords for an account before the first wait."""
_FREE_TRIES_ADDRESS: Final = 20
"""The same from an address: a school's network may have one for all."""
MAX_WAIT_S: Final = 900.0
_FORGET_S: Final = 3600.0
_MAX_KNOWN: Final = 10_000


@dataclass(slots=True)
class _Tries:
    count: int
    last_at: float


class Throttle:
    """Counts wrong passwords. Any thread may use it.

    An attempt counts as wrong until it has turned out right, so that many at once gain nothing. Who guesses at an
    account from elsewhere does not lock out its owner: an address from which the owner has logged in before counts for
    itself.
    """

    def __init__(self) -> None:
        self._tries: OrderedDict[tuple[str, ...], _Tries] = OrderedDict()
        self._familiar: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, name: str, address: str, now: float) -> float:
        """Somebody tries a password. Returns for how many seconds they must not: 0 where they may.

        Args:
            name: The account, whether it exists or not.
            address: Where the attempt comes from.
            now: Monotonic seconds.
        """
        with self._lock:
            keys = self._keys(name, address)
            wait_s = max(self._wait_s(key, free, now) for key, free in keys)
            if wait_s <= 0:
                for key, _ in keys:
                    self._count(key, now)
            return max(0.0, wait_s)

    def succeeded(self, name: str, address: str) -> None:
        """The attempt that was begun was right."""
        network = network_of(address)
        with self._lock:
            for key, _ in self._keys(name, address):
                tries = self._tries.get(key)
                if key[0] == "address" and tries is not None:  # one success does not pay for guesses at other accounts
                    tries.count = max(0, tries.count - 1)
                else:
                    self._tries.pop(key, None)
            self._familiar[_folded(name), network] = None
            self._familiar.move_to_end((_folded(name), network))
            if len(self._familiar) > _MAX_KNOWN:
                self._familiar.popitem(last=False)

    def _keys(self, name: str, address: str) -> list[tuple[tuple[str, ...], int]]:
        folded, network = _folded(name), network_of(address)
        own = ("account", folded, network) if (folded, network) in self._familiar else ("account", folded)
        return [(own, FREE_TRIES), (("address", network), _FREE_TRIES_ADDRESS)]

    def _wait_s(self, key: tuple[str, ...], free: int, now: float) -> float:
        tries = self._tries.get(key)
        if tries is None or now - tries.last_at > _FORGET_S:
            self._tries.pop(key, None)
            return 0.0
        if tries.count < free:
            return 0.0
        return tries.last_at + min(MAX_WAIT_S, 2.0 ** min(tries.count - free + 1, 30)) - now

    def _count(self, key: tuple[str, ...], now: float) -> None:
        tries = self._tries.setdefault(key, _Tries(0, now))
        tries.count, tries.last_at = tries.count + 1, now
        self._tries.move_to_end(key)
        if len(self._tries) > _MAX_KNOWN:
            self._tries.popitem(last=False)


def network_of(address: str) -> str:
    """An address as one counts: of IPv6 the network, since whoever has one has all of its addresses."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _folded(name: str) -> str:
    return name.strip().casefold()[:64]
