"""The model in use, as the agent sees it: which one to start with, and when another one takes over."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Final

from edge_agent.config import Settings
from edge_agent.device.messenger import Messenger
from edge_agent.errors import ConfigError
from edge_agent.mqtt.events import Received
from edge_agent.protocol.messages import ModelUpdate
from edge_agent.update.manifests import Verifier
from edge_agent.update.messages import Choice, Ready, Taken
from edge_agent.update.model_folder import ModelFolder
from edge_agent.update.probation import MAX_CONSECUTIVE_FAILURES, ProbationMonitor, Turn
from edge_agent.update.source import ModelSource, load_model, model_source, models_folder
from edge_agent.update.updater import Updater
from edge_agent.vision.classifier import Classifier

log = logging.getLogger(__name__)

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class LiveModel:
    """Runs the model that the fleet has published, or does nothing where the settings have no key of a fleet.

    Args:
        settings: The agent's.

    Attributes:
        classifier: The model to start with.
        source: Where it comes from.

    Raises:
        ModelError: No model can be used.
        ConfigError: The fleet's key cannot be used, or the prior is for other labels than those of the model.
    """

    def __init__(self, settings: Settings) -> None:
        self._updater = _updater(settings)
        self.source: ModelSource = model_source(settings)
        self.classifier = (
            self._updater.model
            if self._updater is not None
            else load_model(settings.classifier, self.source.path, follows_fleet=False)
        )
        # Where single faces are not published, neither are figures that depend on how many there are.
        exact = settings.privacy.level == "faces"
        self._monitor = ProbationMonitor(settings.update.probation_s, time.monotonic(), exact=exact)
        self._waiting: Ready | None = None
        self._waiting_since = 0.0
        self._taken: Taken | None = None

    def start(self, messenger: Messenger) -> None:
        """Begin to follow the fleet, and let ``status`` report where the model comes from."""
        if self._updater is None:
            messenger.report_model(ModelUpdate(source=self.source.source, version=self.source.version))
            return
        probation = self._updater.probation
        if probation is not None:
            self._monitor.begin(self.classifier.model_id, probation, probation.baseline, time.monotonic(), 0)
        self._updater.start(messenger)

    def hear(self, message: Received | Choice) -> None:
        """A message on the fleet's topics came in, or an operator's choice of a published model; from any thread."""
        if self._updater is not None:
            self._updater.hear(message)

    def between_frames(self, turn: Turn, now: float) -> Classifier | None:
        """Take note of the last turn. The model that has to take over now; ``None`` where none has to.

        Call :meth:`taken_over` once it has taken over.

        Args:
            turn: The last turn of perception.
            now: Monotonic seconds.
        """
        if self._updater is None:
            return None
        delivered = turn.delivered
        outcome = self._monitor.count(turn, now)
        if outcome is not None:
            self._updater.hear(outcome)
            if outcome.passed:
                self._monitor.proven(now, delivered)
        ready = self._updater.ready()
        if ready is not None:
            self._waiting, self._waiting_since = ready, now
        if self._waiting is None or self._too_early(self._waiting, now):
            return None
        ready, self._waiting = self._waiting, None
        self._taken = Taken(self._monitor.baseline)
        if ready.probation is None:
            self._monitor.proven(now, delivered)
        else:
            baseline = self._monitor.baseline
            self._monitor.begin(ready.classifier.model_id, ready.probation, baseline, now, delivered)
        return ready.classifier

    def taken_over(self) -> None:
        """The model last given out classifies faces now and ``status`` names it, so its state may be reported."""
        if self._updater is not None and self._taken is not None:
            self._updater.hear(self._taken)
            self._taken = None

    def stop(self, *, in_order: bool) -> None:
        """Stop following; ``in_order`` where the agent ends on purpose and not by a fault."""
        if self._updater is not None:
            self._updater.stop(in_order=in_order)

    def _too_early(self, ready: Ready, now: float) -> bool:
        """Whether a new model has to wait until the baseline without it is known."""
        if ready.probation is None or self._monitor.baseline is not None:
            return False
        return now < self._waiting_since + MAX_CONSECUTIVE_FAILURES * self._monitor.interval_s


def _updater(settings: Settings) -> Updater | None:
    update = settings.update
    if not update.key:
        return None
    folder = models_folder(settings)
    if folder is None:
        raise ConfigError(
            "$.outbox.path",
            received='""',
            expected="a file beside which published models are kept",
            remedy="Set it, or remove $.update.key",
        )
    return Updater(
        ModelFolder(folder),
        Verifier(Path(update.key)),
        root=settings.mqtt.root,
        device=f"{settings.device.site}/{settings.device.id}",
        classifier=settings.classifier,
        boot=_boot(),
    )


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
