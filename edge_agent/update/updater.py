"""The thread that gets published models, tries them and puts them in place. Perception only picks up what is ready.

What to do is decided in :mod:`edge_agent.update.announced` and :mod:`edge_agent.update.state`; here it is done.
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
from edge_agent.errors import AgentError, CheckFailed, ModelError, Rejected
from edge_agent.model_format.bundle import read_bundle
from edge_agent.mqtt.events import Received
from edge_agent.protocol.messages import ModelUpdate
from edge_agent.protocol.model_manifest import ModelManifest, models_topic
from edge_agent.update import state as states
from edge_agent.update.announced import decide
from edge_agent.update.approval import approve
from edge_agent.update.fetch import Fetch
from edge_agent.update.memory import Memory
from edge_agent.update.messages import Choice, Post, Ready, Taken
from edge_agent.update.opening import open_model
from edge_agent.update.signature import Verifier
from edge_agent.update.source import source_of
from edge_agent.update.state import Probation
from edge_agent.update.store import ModelFolder
from edge_agent.update.watch import Outcome
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier

log = logging.getLogger(__name__)

_RETRY_S: Final = 600.0

State = Literal["downloading", "checking", "refused", "failed"]


class Updater:
    """Follows a school's publications. Its thread owns the folder and everything slow.

    Args:
        folder: Where models are kept.
        verifier: Knows the school's publications from others.
        root: First part of all topics.
        device: This one, as ``site/device``.
        classifier: Runtime and threads; a ``model`` named there is never replaced.
        boot: Which run of the machine this is.
        retry_s: After how long something is tried again that may have been a passing trouble.
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
        self._news = models_topic(root)
        self._fetch = Fetch(folder, root, lambda topics: self._post.set_subscriptions(topics))
        self._inbox: queue.Queue[Received | Choice | Outcome | Taken | None] = queue.Queue()
        self._stopping = threading.Event()
        self._slot: queue.Queue[Ready] = queue.Queue(maxsize=1)
        self._heard: bytes | None = None
        self._choice = ""
        self._retry_at: float | None = None
        self._told: ModelUpdate | None = None
        self._post: Post
        self._thread = threading.Thread(target=self._run, name="updater", daemon=True)
        self._memory = Memory(folder)
        self._memory.change(states.begun(self._memory.state, boot, __version__))
        self._model, self._source = open_model(classifier, self._memory, folder)

    @property
    def model(self) -> Classifier:
        """The model to start with."""
        return self._model

    @property
    def probation(self) -> Probation | None:
        """Whether it has yet to prove itself."""
        return self._memory.state.probation if self._source.source == "fleet" else None

    def start(self, post: Post) -> None:
        """Begin to follow publications."""
        self._post = post
        self._tell(self._usual_word())
        self._fetch.listen()
        self._thread.start()

    def stop(self, *, in_order: bool) -> None:
        """End the thread. ``in_order`` is whether the agent ends on purpose and not by a fault."""
        self._stopping.set()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join(10.0)
        if in_order and not self._thread.is_alive():
            self._memory.change(states.ended(self._memory.state))

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
        if isinstance(message, Received) and message.topic == self._news:
            self._heard = message.payload
            self._consider()
        elif isinstance(message, Received):
            self._receive(message)
        elif isinstance(message, Choice):
            changed, self._choice = message.model_id != self._choice, message.model_id
            if changed and self._heard is not None:
                self._consider()
        elif isinstance(message, Taken):
            self._take_note(message)
        elif isinstance(message, Outcome):
            self._judge(message)
        elif not self._stopping.is_set():
            self._look_at_the_clock()

    # ---- which model is wanted ------------------------------------------------------------------------------------

    def _consider(self) -> None:
        """Decide about everything that is published."""
        self._retry_at = None
        found = decide(self._heard or b"", self._choice, self._verifier, self._device, self._memory.state, __version__)
        if isinstance(found, ModelManifest):
            self._want(found)
            return
        self._fetch.give_up()
        if isinstance(found, Rejected):
            log.error("a published model is refused: %s", found.reason)
            self._tell(replace(self._usual_word(), state="refused", reason=found.reason))
        else:
            self._tell(self._usual_word())

    def _want(self, publication: ModelManifest) -> None:
        if self._settings.model:
            reason = "classifier.model in this device's settings names a model of its own"
            self._say("refused", publication, reason)
        elif publication.sha256 == self._model_sha256():
            self._fetch.give_up()
            self._memory.change(states.adopted(self._memory.state, publication))
            self._tell(self._usual_word())
        elif self._fetch.publication != publication:
            log.info("model %s, version %d, is wanted", publication.model_id, publication.version)
            self._fetch.give_up()
            self._begin(publication)

    # ---- getting it -----------------------------------------------------------------------------------------------

    def _begin(self, publication: ModelManifest) -> None:
        if self._folder.holds(states.kept(publication)):
            self._try(publication)
            return
        self._fetch.begin(publication, time.monotonic())
        self._say("downloading", publication)
        self._advance(publication)

    def _receive(self, message: Received) -> None:
        publication = self._fetch.publication
        if publication is None or not self._fetch.expects(message.topic):
            return
        problem = self._fetch.add(message.payload, time.monotonic())
        if problem:
            self._say("downloading", publication, problem)
        else:
            self._advance(publication)

    def _advance(self, publication: ModelManifest) -> None:
        """Ask for the next part, or try the whole."""
        if not self._fetch.complete:
            self._fetch.listen()
        elif self._fetch.finish():
            self._try(publication)
        else:
            self._retry_at = time.monotonic() + self._retry_s
            self._say("refused", publication, "what arrived is not the bundle that was signed: its sha256 differs")

    def _look_at_the_clock(self) -> None:
        now, publication = time.monotonic(), self._fetch.publication
        missing = self._fetch.overdue(now)
        if publication is not None and missing:
            self._say("downloading", publication, f"waiting for {missing}")
        if self._retry_at is not None and now > self._retry_at:
            self._consider()

    # ---- trying it and putting it in place ------------------------------------------------------------------------

    def _try(self, publication: ModelManifest) -> None:
        self._say("checking", publication)
        self._memory.change(states.trying(self._memory.state, publication, self._boot, __version__))
        if self._memory.state.tried is None:
            self._tell(self._usual_word())
            return
        path = self._folder.bundle(states.kept(publication))
        try:
            approved = approve(path, publication, self._model, self._source.path, self._settings, self._stopping.is_set)
            if approved is None:  # the agent is being stopped; the next run tries again
                self._memory.change(replace(self._memory.state, tried=None))
                return
        except (CheckFailed, ModelError) as error:
            self._refuse(publication, str(error).replace(str(path), publication.name or publication.model_id))
            return
        except TimeoutError as error:
            raise CheckFailed(str(error)) from None
        new, found = approved
        log.info(
            "model %s, version %d, takes over: %.1f steps from its golden answers, %.2f ms a face, %.2f before",
            publication.model_id,
            publication.version,
            found.steps,
            found.face_ms,
            found.present_ms,
        )
        self._memory.change(states.installed(self._memory.state, publication, self._boot))
        self._hand_over(new)

    def _refuse(self, publication: ModelManifest, reason: str) -> None:
        log.error("model %s, version %d, is refused: %s", publication.model_id, publication.version, reason)
        self._memory.change(states.refused(self._memory.state, states.kept(publication), reason, __version__))
        self._folder.tidy(self._memory.state)
        self._tell(self._usual_word())

    def _hand_over(self, new: Classifier) -> None:
        """Leave a model for perception to pick up, in place of one that it has not yet picked up."""
        self._model, self._source = new, source_of(self._memory.state, self._folder)
        self.ready()
        self._slot.put(Ready(new, self._memory.state.probation))

    # ---- after that -----------------------------------------------------------------------------------------------

    def _take_note(self, taken: Taken) -> None:
        probation = self._memory.state.probation
        if probation is not None and probation.usual is None:
            self._memory.change(replace(self._memory.state, probation=replace(probation, usual=taken.usual)))
        self._folder.tidy(self._memory.state)
        self._tell(self._usual_word())

    def _judge(self, outcome: Outcome) -> None:
        current = self._memory.state.current
        if current is None or self._memory.state.probation is None or current.model_id != outcome.model_id:
            return  # about a model that another one has followed meanwhile
        if outcome.worse:
            log.error("model %s is taken back: %s", current.model_id, outcome.worse)
            self._memory.change(states.rolled_back(self._memory.state, outcome.worse, __version__))
            before, _ = open_model(self._settings, self._memory, self._folder)
            self._hand_over(before)
        elif outcome.through:
            log.info("model %s has proved itself", current.model_id)
            self._memory.change(states.passed(self._memory.state))
            self._tell(self._usual_word())
        else:
            self._memory.change(states.served(self._memory.state, outcome.served_s))

    # ---- what is told ---------------------------------------------------------------------------------------------

    def _usual_word(self) -> ModelUpdate:
        return states.told(self._memory.state, self._source.source)

    def _say(self, state: State, publication: ModelManifest, reason: str = "") -> None:
        word = replace(
            self._usual_word(),
            state=state,
            wanted=publication.version,
            wanted_model=publication.model_id,
            reason=reason,
        )
        self._tell(word)

    def _fail(self, reason: str) -> None:
        """Something that may pass: tell, and try again later."""
        log.error("the model could not be updated: %s", reason)
        self._fetch.give_up()
        self._memory.change(replace(self._memory.state, tried=None))
        self._retry_at = time.monotonic() + self._retry_s
        self._tell(replace(self._usual_word(), state="failed", reason=reason))

    def _tell(self, word: ModelUpdate) -> None:
        if word != self._told:
            self._told = word
            self._post.report_model(word)

    def _model_sha256(self) -> str:
        return read_bundle(self._source.path or BUNDLED_MODEL).sha256
