"""The thread that gets published models, tries them and puts them in place. Perception only picks up what is ready."""

from __future__ import annotations

import logging
import queue
import threading
import time
from pathlib import Path
from typing import Final, Literal

from msgspec.structs import replace

from edge_agent import __version__
from edge_agent.config import ClassifierSettings
from edge_agent.contract.bundle import read_bundle
from edge_agent.errors import AgentError, CheckFailed, InputError, ModelError
from edge_agent.messaging.payloads import ModelUpdate
from edge_agent.messaging.publication import Publication, decode_models, models_topic, part_topic
from edge_agent.messaging.signals import Received
from edge_agent.update import state as states
from edge_agent.update.approval import approve
from edge_agent.update.letters import Choice, Post, Ready, Taken
from edge_agent.update.signature import Verifier
from edge_agent.update.source import ModelSource, source_of
from edge_agent.update.state import Probation, UpdateState
from edge_agent.update.store import Download, ModelFolder
from edge_agent.update.watch import Outcome
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier

log = logging.getLogger(__name__)

_PART_PATIENCE_S: Final = 60.0
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
        self, folder: ModelFolder, verifier: Verifier, *, root: str, device: str, classifier: ClassifierSettings,
        boot: str, retry_s: float = _RETRY_S,
    ) -> None:  # fmt: skip
        self._folder, self._verifier, self._root, self._device = folder, verifier, root, device
        self._settings, self._boot, self._retry_s = classifier, boot, retry_s
        self._inbox: queue.Queue[Received | Choice | Outcome | Taken | None] = queue.Queue()
        self._stopping = threading.Event()
        self._slot: queue.Queue[Ready] = queue.Queue(maxsize=1)
        self._download: Download | None = None
        self._waiting_since = 0.0
        self._heard: bytes | None = None
        self._choice = ""
        self._retry_at: float | None = None
        self._told: ModelUpdate | None = None
        self._post: Post
        self._thread = threading.Thread(target=self._run, name="updater", daemon=True)
        self._state = states.begun(folder.state(), boot, __version__)
        self._remember()
        self._model, self._source = self._open()

    @property
    def model(self) -> Classifier:
        """The model to start with."""
        return self._model

    @property
    def probation(self) -> Probation | None:
        """Whether it has yet to prove itself."""
        return self._state.probation if self._source.source == "fleet" else None

    def start(self, post: Post) -> None:
        """Begin to follow publications."""
        self._post = post
        self._tell(states.told(self._state, self._source.source))
        self._follow()
        self._thread.start()

    def stop(self, *, in_order: bool) -> None:
        """End the thread. ``in_order`` is whether the agent ends on purpose and not by a fault."""
        self._stopping.set()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join(10.0)
        if in_order and not self._thread.is_alive():
            self._change(states.ended(self._state))

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
            try:
                message = self._inbox.get(timeout=1.0)
            except queue.Empty:
                self._look_at_the_clock()
                continue
            try:
                self._handle(message)
            except AgentError as error:  # a full disk, most likely: nothing that ends the agent
                self._fail(str(error))
            except Exception:  # a bug here must not end a device that does its work
                log.exception("an update of the model")
                self._fail("it failed; the device's log says why")

    def _handle(self, message: Received | Choice | Outcome | Taken | None) -> None:
        if isinstance(message, Received) and message.topic == models_topic(self._root):
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

    # ---- which model is wanted ------------------------------------------------------------------------------------

    def _consider(self) -> None:
        """Decide about everything that is published."""
        self._retry_at = None
        publications, problem = self._read(self._heard or b"")
        if self._choice:
            publications = [one for one in publications if one.model_id == self._choice]
        found = states.wanted(publications, self._device, self._state, __version__)
        if isinstance(found, Publication):
            self._want(found)
            return
        self._give_up_download()
        problem = found or problem
        if problem:
            log.error("a published model is refused: %s", problem)
            self._tell(replace(self._usual_word(), state="refused", reason=problem))
        else:
            self._tell(self._usual_word())

    def _read(self, payload: bytes) -> tuple[list[Publication], str]:
        """Those publications that are the school's own, and what is wrong with one that is not."""
        try:
            signed = decode_models(payload).publications if payload else ()
        except InputError as error:
            return [], str(error)
        read = [self._verifier.read(one) for one in signed]
        problems = [one for one in read if isinstance(one, str)]
        return [one for one in read if isinstance(one, Publication)], problems[0] if problems else ""

    def _want(self, publication: Publication) -> None:
        if self._settings.model:
            reason = "classifier.model in this device's settings names a model of its own"
            self._say("refused", publication, reason)
        elif publication.sha256 == self._model_sha256():
            self._give_up_download()
            self._change(states.adopted(self._state, publication))
            self._tell(self._usual_word())
        elif self._download is None or self._download.publication != publication:
            log.info("model %s, version %d, is wanted", publication.model_id, publication.version)
            self._give_up_download()
            self._begin(publication)

    # ---- getting it -----------------------------------------------------------------------------------------------

    def _begin(self, publication: Publication) -> None:
        if self._folder.holds(states.kept(publication)):
            self._try(publication)
            return
        self._download = self._folder.begin(publication)
        self._waiting_since = time.monotonic()
        self._say("downloading", publication)
        self._advance()

    def _receive(self, message: Received) -> None:
        download = self._download
        if download is None or message.topic != self._part_topic(download):
            return
        if not download.add(message.payload):
            self._say("downloading", download.publication, f"part {download.next + 1} has not the size that was signed")
            return
        self._waiting_since = time.monotonic()
        self._advance()

    def _advance(self) -> None:
        """Ask for the next part, or try the whole."""
        download = self._download
        assert download is not None
        if not download.complete:
            self._follow()
            return
        publication = download.publication
        log.info("all %d parts of model %s have arrived", publication.parts, publication.model_id)
        self._give_up_download()
        if download.finish(self._folder.bundle(states.kept(publication))):
            self._try(publication)
            return
        self._retry_at = time.monotonic() + self._retry_s
        self._say("refused", publication, "what arrived is not the bundle that was signed: its sha256 differs")

    def _give_up_download(self) -> None:
        if self._download is not None:
            self._download = None
            self._follow()

    def _follow(self) -> None:
        parts = [] if self._download is None else [self._part_topic(self._download)]
        self._post.follow([models_topic(self._root), *parts])

    def _part_topic(self, download: Download) -> str:
        return part_topic(self._root, download.publication.sha256, download.next)

    def _look_at_the_clock(self) -> None:
        now, download = time.monotonic(), self._download
        if download is not None and now > self._waiting_since + _PART_PATIENCE_S:
            parts = f"part {download.next + 1} of {download.publication.parts}"
            self._say("downloading", download.publication, f"waiting for {parts}")
        if self._retry_at is not None and now > self._retry_at:
            self._consider()

    # ---- trying it and putting it in place ------------------------------------------------------------------------

    def _try(self, publication: Publication) -> None:
        self._say("checking", publication)
        self._change(states.trying(self._state, publication, self._boot, __version__))
        if self._state.tried is None:
            self._tell(self._usual_word())
            return
        path = self._folder.bundle(states.kept(publication))
        try:
            approved = approve(path, publication, self._model, self._source.path, self._settings, self._stopping.is_set)
            if approved is None:  # the agent is being stopped; the next run tries again
                self._change(replace(self._state, tried=None))
                return
        except (CheckFailed, ModelError) as error:
            self._refuse(publication, str(error).replace(str(path), publication.name or publication.model_id))
            return
        except TimeoutError as error:
            raise CheckFailed(str(error)) from None
        new, found = approved
        log.info(
            "model %s, version %d, takes over: %.1f steps from its golden answers, %.2f ms a face, %.2f before",
            publication.model_id, publication.version, found.steps, found.face_ms, found.present_ms,
        )  # fmt: skip
        self._change(states.installed(self._state, publication, self._boot))
        self._hand_over(new)

    def _refuse(self, publication: Publication, reason: str) -> None:
        log.error("model %s, version %d, is refused: %s", publication.model_id, publication.version, reason)
        self._change(states.refused(self._state, states.kept(publication), reason, __version__))
        self._folder.tidy(self._state)
        self._tell(self._usual_word())

    def _hand_over(self, new: Classifier) -> None:
        """Leave a model for perception to pick up, in place of one that it has not yet picked up."""
        self._model, self._source = new, source_of(self._state, self._folder)
        self.ready()
        self._slot.put(Ready(new, self._state.probation))

    # ---- after that -----------------------------------------------------------------------------------------------

    def _take_note(self, taken: Taken) -> None:
        probation = self._state.probation
        if probation is not None and probation.usual is None:
            self._change(replace(self._state, probation=replace(probation, usual=taken.usual)))
        self._folder.tidy(self._state)
        self._tell(self._usual_word())

    def _judge(self, outcome: Outcome) -> None:
        current = self._state.current
        if current is None or self._state.probation is None or current.model_id != outcome.model_id:
            return  # about a model that another one has followed meanwhile
        if outcome.worse:
            log.error("model %s is taken back: %s", current.model_id, outcome.worse)
            self._change(states.rolled_back(self._state, outcome.worse, __version__))
            before, _ = self._open()
            self._hand_over(before)
        elif outcome.through:
            log.info("model %s has proved itself", current.model_id)
            self._change(states.passed(self._state))
            self._tell(self._usual_word())
        else:
            self._change(states.served(self._state, outcome.served_s))

    def _open(self) -> tuple[Classifier, ModelSource]:
        """The model that the state names; one that cannot be used is passed over."""
        settings = self._settings
        if settings.model:
            source = ModelSource("settings", Path(settings.model))
            return Classifier.load(source.path, runtime=settings.runtime, threads=settings.threads), source
        while self._state.current is not None:
            source = source_of(self._state, self._folder)
            try:
                if source.path is None:
                    raise ModelError(f"{self._folder.bundle(self._state.current)}: gone or damaged")
                return Classifier.load(source.path, runtime=settings.runtime, threads=settings.threads), source
            except ModelError as error:
                log.error("the fleet's model cannot be used, the one before takes over: %s", error)
                self._change(states.lost(self._state))
        return Classifier.load(runtime=settings.runtime, threads=settings.threads), ModelSource("bundled")

    # ---- what is told and remembered ------------------------------------------------------------------------------

    def _usual_word(self) -> ModelUpdate:
        return states.told(self._state, self._source.source)

    def _say(self, state: State, publication: Publication, reason: str = "") -> None:
        word = replace(self._usual_word(), state=state, wanted=publication.version,
                       wanted_model=publication.model_id, reason=reason)  # fmt: skip
        self._tell(word)

    def _fail(self, reason: str) -> None:
        """Something that may pass: tell, and try again later."""
        log.error("the model could not be updated: %s", reason)
        self._give_up_download()
        self._change(replace(self._state, tried=None))
        self._retry_at = time.monotonic() + self._retry_s
        self._tell(replace(self._usual_word(), state="failed", reason=reason))

    def _tell(self, word: ModelUpdate) -> None:
        if word != self._told:
            self._told = word
            self._post.tell_of_model(word)

    def _change(self, state: UpdateState) -> None:
        if state != self._state:
            self._state = state
            self._remember()

    def _remember(self) -> None:
        try:
            if self._state != self._folder.state():
                self._folder.remember(self._state)
        except InputError as error:
            log.error("what is known of model updates cannot be stored: %s", error)

    def _model_sha256(self) -> str:
        return read_bundle(self._source.path or BUNDLED_MODEL).sha256
