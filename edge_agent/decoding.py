"""What can go wrong when JSON from others is read. Apart from :mod:`edge_agent.errors`, which every command imports."""

from __future__ import annotations

from typing import Final

import msgspec

UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises at JSON that is broken, of another shape, not UTF-8, or nested without end."""
