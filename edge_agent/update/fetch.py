"""Getting a published bundle: one part after the other, each a retained topic that is subscribed to in its turn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from edge_agent.protocol.model_manifest import ModelManifest, models_topic, part_topic
from edge_agent.update.state import kept
from edge_agent.update.store import Download, ModelFolder

log = logging.getLogger(__name__)

_PATIENCE_S: Final = 60.0
"""After so long without a part the device says what it waits for."""


class Fetch:
    """One download at a time. One thread only; ``now`` is in monotonic seconds.

    Args:
        folder: Where bundles are kept.
        root: First part of all topics.
        follow: Subscribes to these topics, and to no others of the fleet's.
    """

    def __init__(self, folder: ModelFolder, root: str, follow: Callable[[list[str]], None]) -> None:
        self._folder, self._root, self._follow = folder, root, follow
        self._download: Download | None = None
        self._waiting_since = 0.0

    @property
    def publication(self) -> ModelManifest | None:
        """What is being fetched."""
        return None if self._download is None else self._download.publication

    @property
    def complete(self) -> bool:
        """Whether all parts of it are here."""
        return self._download is not None and self._download.complete

    def begin(self, publication: ModelManifest, now: float) -> None:
        """Begin, or go on where an earlier run stopped; :meth:`listen` then asks for the first part.

        Raises:
            InputError: There is no room, or the folder cannot be written.
        """
        self._download, self._waiting_since = self._folder.begin(publication), now

    def listen(self) -> None:
        """Hear what is published, and the part that is waited for."""
        topic = self._part_topic()
        self._follow([models_topic(self._root), *([topic] if topic else [])])

    def expects(self, topic: str) -> bool:
        """Whether this is the part that is waited for."""
        return topic == self._part_topic()

    def add(self, content: bytes, now: float) -> str:
        """Take that part; what is wrong with it, or nothing.

        Raises:
            InputError: It cannot be written.
        """
        download = self._download
        assert download is not None
        if not download.add(content):
            return f"part {download.next + 1} has not the size that was signed"
        self._waiting_since = now
        return ""

    def finish(self) -> bool:
        """Put the whole in place; ``False``, and all of it forgotten, where it is not what was signed.

        Raises:
            InputError: It cannot be written.
        """
        download = self._download
        assert download is not None
        publication = download.publication
        log.info("all %d parts of model %s have arrived", publication.parts, publication.model_id)
        self.give_up()
        return download.finish(self._folder.bundle(kept(publication)))

    def give_up(self) -> None:
        """Wait for no part any more. What has arrived is kept for another attempt."""
        if self._download is not None:
            self._download = None
            self.listen()

    def overdue(self, now: float) -> str:
        """Which part has been waited for too long; empty for none."""
        download = self._download
        if download is None or now <= self._waiting_since + _PATIENCE_S:
            return ""
        return f"part {download.next + 1} of {download.publication.parts}"

    def _part_topic(self) -> str:
        download = self._download
        if download is None or download.complete:
            return ""
        return part_topic(self._root, download.publication.sha256, download.next)
