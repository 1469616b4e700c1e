"""The thread that gets published models, validates them and puts them in place. Perception only takes what is ready.

What to do is decided in :mod:`edge_agent.update.manifests` and :mod:`edge_agent.update.state`; here it is done.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from typing import Final, Literal

from msgspec.structs import replace

from edge_agent import __version__
from edge_agent.config import ClassifierSettings
from edge_agent.errors import AgentError, CheckFailed, ModelError
from edge_agent.model_format.bundle import read_bundle
from edge_agent.mqtt.events import Received
from edge_agent.protocol.messages import ModelUpdate
from edge_agent.protocol.model_manifest import ModelManifest, models_topic
from edge_agent.update import state as states
from edge_agent.update.download import Downloader
from edge_agent.update.manifests import Verifier, decide
from edge_agent.update.messages import Choice, Messaging, Ready, Taken
from edge_agent.update.model_folder import ModelFolder, StateFile
from edge_agent.update.probation import Outcome
from edge_agent.update.sandboxed_validation import approve
from edge_agent.update.source import load_usable_model, source_of
from edge_agent.update.state import NotTaken, Probation, UpdateState
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier

log = logging.getLogger(__name__)

_RETRY_S: Final = 600.0

State = Literal["downloading", "checking", "refused", "failed"]


class Updater:
    """Follows what a school publishes. Its thread owns the folder and everything slow.

    Args:
        folder: Where models are kept.
        verifier: Knows the school's manifests from others.
        root: First part of all topics.
        device: This one, as ``site/device``.
        classifier: Runtime and threads; a ``model`` named there is never replaced.
        boot: Id of this boot of the machine.
        retry_s: Seconds after which something that failed is tried again.
    """

    def __init__(
        self,
        folder: ModelFolder,
        verifier: Verifier,
        *,
        root: str,
        device: str,
        classifier: ClassifierSettings,
        boot: str,
        retry_s: float = _RETRY_S,
    ) -> None:
        self._folder, self._verifier, self._device = folder, verifier, device
        self._settings, self._boot, self._retry_s = classifier, boot, retry_s
        self._models_topic = models_topic(root)
        self._downloader = Downloader(folder, root, lambda topics: self._messaging.set_subscriptions(topics))
        self._inbox: queue.Queue[Received | Choice | Outcome | Taken | None] = queue.Queue()
        self._stopping = threading.Event()
        self._slot: queue.Queue[Ready] = queue.Queue(maxsize=1)
        self._announced: bytes | None = None
        self._choice = ""
        self._retry_at: float | None = None
        self._reported: ModelUpdate | None = None
        self._messaging: Messaging
        self._thread = threading.Thread(target=self._run, name="updater", daemon=True)
        self._state_file = StateFile(folder)
        self._state_file.change(states.started(self._state, boot, __version__))
        self._model, self._source = load_usable_model(classifier, self._state_file, folder)

    @property
    def model(self) -> Classifier:
        """The model to start with."""
        return self._model

    @property
    def probation(self) -> Probation | None:
        """Whether it has yet to prove itself."""
        return self._state.probation if self._source.source == "fleet" else None

    @property
    def _state(self) -> UpdateState:
        return self._state_file.state

    def start(self, messaging: Messaging) -> None:
        """Begin to follow what is published."""
        self._messaging = messaging
        self._report(self._steady_report())
        self._downloader.listen()
        self._thread.start()

    def stop(self, *, in_order: bool) -> None:
        """End the thread. ``in_order`` is whether the agent ends on purpose and not by a fault."""
        self._stopping.set()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join(10.0)
        if in_order and not self._thread.is_alive():
            self._state_file.change(states.ended(self._state))

    def hear(self, message: Received | Choice | Outcome | Taken) -> None:
        """Something to act on; from any thread."""
        self._inbox.put(message)

    def ready(self) -> Ready | None:
        """A model to take over now, once; from the perception thread, which answers with :class:`Taken`."""
        try:
            return self._slot.get_nowait()
        except queue.Empty:
            return None

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._turn()

    def _turn(self) -> None:
        """One message, or a look at the clock. Nothing that goes wrong ends a device that does its work."""
        try:
            self._handle(self._next())
        except AgentError as error:  # a full disk, most likely
            self._fail(str(error))
        except Exception:
            log.exception("an update of the model")
            self._fail("it failed; the device's log says why")

    def _next(self) -> Received | Choice | Outcome | Taken | None:
        with contextlib.suppress(queue.Empty):
            return self._inbox.get(timeout=1.0)
        return None

    def _handle(self, message: Received | Choice | Outcome | Taken | None) -> None:
        if isinstance(message, Received) and message.topic == self._models_topic:
            self._announced = message.payload
            self._consider()
        elif isinstance(message, Received):
            self._receive(message)
        elif isinstance(message, Choice):
            changed, self._choice = message.model_id != self._choice, message.model_id
            if changed and self._announced is not None:
                self._consider()
        elif isinstance(message, Taken):
            self._take_note(message)
        elif isinstance(message, Outcome):
            self._judge(message)
        elif not self._stopping.is_set():
            self._check_deadlines()

    # ---- which model is wanted ------------------------------------------------------------------------------------

    def _consider(self) -> None:
        """Decide about everything that is published."""
        self._retry_at = None
        found = decide(self._announced or b"", self._choice, self._verifier, self._device, self._state, __version__)
        if isinstance(found, ModelManifest):
            self._want(found)
            return
        self._downloader.give_up()
        if found is None:
            self._report(self._steady_report())
            return
        log.error("a published model is refused: %s", found.reason)
        model = found.model if isinstance(found, NotTaken) else None
        self._report(
            replace(
                self._steady_report(),
                state="refused",
                wanted=model.version if model is not None else 0,
                wanted_model=model.model_id if model is not None else "",
                reason=found.reason,
            )
        )

    def _want(self, manifest: ModelManifest) -> None:
        if self._settings.model:
            reason = "classifier.model in this device's settings names a model of its own"
            self._report_on("refused", manifest, reason)
        elif manifest.sha256 == self._model_sha256():
            self._downloader.give_up()
            self._state_file.change(states.adopted(self._state, manifest))
            self._report(self._steady_report())
        elif self._downloader.manifest != manifest:
            log.info("model %s, version %d, is wanted", manifest.model_id, manifest.version)
            self._downloader.give_up()
            self._begin(manifest)

    # ---- getting it -----------------------------------------------------------------------------------------------

    def _begin(self, manifest: ModelManifest) -> None:
        if self._folder.holds(states.kept(manifest)):
            self._validate(manifest)
            return
        self._downloader.begin(manifest, time.monotonic())
        self._report_on("downloading", manifest)
        self._advance(manifest)

    def _receive(self, message: Received) -> None:
        manifest = self._downloader.manifest
        if manifest is None or not self._downloader.expects(message.topic):
            return
        rejected = self._downloader.add(message.payload, time.monotonic())
        if rejected is not None:
            self._report_on("downloading", manifest, rejected.reason)
        else:
            self._advance(manifest)

    def _advance(self, manifest: ModelManifest) -> None:
        """Ask for the next part, or validate the whole bundle."""
        if not self._downloader.complete:
            self._downloader.listen()
        elif self._downloader.finish():
            self._validate(manifest)
        else:
            self._retry_at = time.monotonic() + self._retry_s
            self._report_on("refused", manifest, "what arrived is not the bundle that was signed: its sha256 differs")

    def _check_deadlines(self) -> None:
        now, manifest = time.monotonic(), self._downloader.manifest
        overdue = self._downloader.overdue_part(now)
        if manifest is not None and overdue is not None:
            self._report_on("downloading", manifest, f"waiting for part {overdue} of {manifest.parts}")
        if self._retry_at is not None and now > self._retry_at:
            self._consider()

    # ---- validating it and putting it in place --------------------------------------------------------------------

    def _validate(self, manifest: ModelManifest) -> None:
        self._report_on("checking", manifest)
        self._state_file.change(states.validating(self._state, manifest, self._boot, __version__))
        if self._state.attempt is None:
            self._report(self._steady_report())
            return
        path = self._folder.bundle(states.kept(manifest))
        try:
            approved = approve(path, manifest, self._model, self._source.path, self._settings, self._stopping.is_set)
            if approved is None:  # the agent is being stopped; the next run tries again
                self._state_file.change(replace(self._state, attempt=None))
                return
        except (CheckFailed, ModelError) as error:
            self._refuse(manifest, str(error).replace(str(path), manifest.name or manifest.model_id))
            return
        except TimeoutError as error:
            raise CheckFailed(str(error)) from None
        new, found = approved
        log.info(
            "model %s, version %d, takes over: %.1f steps from its golden answers, %.2f ms a face, %.2f before",
            manifest.model_id,
            manifest.version,
            found.steps,
            found.face_ms,
            found.present_ms,
        )
        self._state_file.change(states.installed(self._state, manifest, self._boot))
        self._hand_over(new)

    def _refuse(self, manifest: ModelManifest, reason: str) -> None:
        log.error("model %s, version %d, is refused: %s", manifest.model_id, manifest.version, reason)
        self._state_file.change(states.refused(self._state, states.kept(manifest), reason, __version__))
        self._folder.tidy(self._state)
        self._report(self._steady_report())

    def _hand_over(self, new: Classifier) -> None:
        """Leave a model for perception to take, in place of one that it has not yet taken."""
        self._model, self._source = new, source_of(self._state, self._folder)
        self.ready()
        self._slot.put(Ready(new, self._state.probation))

    # ---- after that -----------------------------------------------------------------------------------------------

    def _take_note(self, taken: Taken) -> None:
        probation = self._state.probation
        if probation is not None and probation.baseline is None:
            self._state_file.change(replace(self._state, probation=replace(probation, baseline=taken.baseline)))
        self._folder.tidy(self._state)
        self._report(self._steady_report())

    def _judge(self, outcome: Outcome) -> None:
        current = self._state.current
        if current is None or self._state.probation is None or current.model_id != outcome.model_id:
            return  # about a model that another one has followed meanwhile
        if outcome.regression is not None:
            log.error("model %s is taken back: %s", current.model_id, outcome.regression)
            self._state_file.change(states.rolled_back(self._state, outcome.regression, __version__))
            before, _ = load_usable_model(self._settings, self._state_file, self._folder)
            self._hand_over(before)
        elif outcome.passed:
            log.info("model %s has proved itself", current.model_id)
            self._state_file.change(states.passed(self._state))
            self._report(self._steady_report())
        else:
            self._state_file.change(states.served(self._state, outcome.served_s))

    # ---- what is reported -----------------------------------------------------------------------------------------

    def _steady_report(self) -> ModelUpdate:
        return states.model_update(self._state, self._source.source)

    def _report_on(self, state: State, manifest: ModelManifest, reason: str = "") -> None:
        update = replace(
            self._steady_report(),
            state=state,
            wanted=manifest.version,
            wanted_model=manifest.model_id,
            reason=reason,
        )
        self._report(update)

    def _fail(self, reason: str) -> None:
        """Something failed that may succeed later: report it, and try again then."""
        log.error("the model could not be updated: %s", reason)
        self._downloader.give_up()
        self._state_file.change(replace(self._state, attempt=None))
        self._retry_at = time.monotonic() + self._retry_s
        self._report(replace(self._steady_report(), state="failed", reason=reason))

    def _report(self, update: ModelUpdate) -> None:
        if update != self._reported:
            self._reported = update
            self._messaging.report_model(update)

    def _model_sha256(self) -> str:
        return read_bundle(self._source.path or BUNDLED_MODEL).sha256
