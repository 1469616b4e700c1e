"""A draft of the data-protection impact assessment, in Markdown: what the settings say is filled in, the rest is open.

It is written for the officer who has to finish it. Where a setting raises a risk, the draft says so and names the
setting. Its sentences are in :mod:`edge_agent.notice.words`, for each language of the signs.
"""

from __future__ import annotations

import html
import ipaddress
import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from edge_agent import __version__
from edge_agent.addresses.masking import shown_host, shown_path
from edge_agent.config import PrivacySettings, Settings
from edge_agent.notice.details import Details, Text, text_in
from edge_agent.notice.record import Record, settings_that_matter
from edge_agent.notice.words import ASSESSMENT_WORDS, WORDS, Language
from edge_agent.notice.words.assessment import AssessmentWords, Pair
from edge_agent.privacy.declarations import Entry
from edge_agent.privacy.policy import Declaration, in_eea

_WIDTH: Final = 116
_SMALL_GROUP: Final = 5
_SHORT_WINDOW_S: Final = 30.0


def assessment(
    settings: Settings,
    declaration: Declaration | None,
    entry: Entry | None,
    details: Details,
    record: Record,
    language: Language = "en",
) -> str:
    """The draft.

    Args:
        settings: The device's.
        declaration: What its operator declared; ``None`` where a simulation or a file needs none.
        entry: The declaration as the device has recorded it; ``None`` where it is not recorded or cannot be read here.
        details: The school's answers.
        record: Which settings it is made from.
        language: Of the draft.
    """
    draft = _Draft(settings, declaration, entry, details, record, language, ASSESSMENT_WORDS[language])
    return "\n\n".join(draft.paragraphs()) + "\n"


@dataclass(frozen=True, slots=True)
class _Draft:
    settings: Settings
    declaration: Declaration | None
    entry: Entry | None
    details: Details
    record: Record
    language: Language
    words: AssessmentWords

    def paragraphs(self) -> Iterator[str]:
        """All of it, in order."""
        words, device = self.words, self.settings.device
        name = f"{device.site}/{device.id}" + (f" ({_plain(device.room)})" if device.room.strip() else "")
        yield "# " + words.title.format(name=name)
        yield _text(
            words.draft.format(
                version=__version__,
                date=self.record.made_at[:10],
                fingerprint=self.record.fingerprint[:12],
                open=words.open,
            )
        )
        if not self.settings.camera.live:
            yield _text(words.sample.format(source=self.settings.camera.source))
        sections = (
            self._purpose(),
            self._parties(),
            self._basis(),
            self._people(),
            self._categories(),
            self._recipients(),
            self._retention(),
            self._settings(),
            self._risks(),
            self._rights(),
            self._decision(),
        )
        for number, (heading, content) in enumerate(zip(words.headings, sections, strict=True), 1):
            yield f"## {number}. {heading}"
            yield from content

    def _purpose(self) -> Iterator[str]:
        yield self.words.purpose.format(purpose=self._answer(self.details.purpose))
        yield self._questions(*self.words.purpose_questions)

    def _parties(self) -> Iterator[str]:
        declared = _plain(self.declaration.declared_by) if self.declaration else ""
        details = self.details
        answers = (
            self._answer(details.controller, declared),
            declared or self.words.open,
            self._answer(details.processor),
            self._answer(details.officer),
            self._answer(details.contact),
            self._answer(details.authority),
        )
        yield _table(self.words.parties_head, zip(self.words.roles, answers, strict=True))

    def _basis(self) -> Iterator[str]:
        words, declared = self.words, self.declaration
        if declared is None:
            yield _text(words.no_declaration)
        else:
            yield _text(
                words.declared.format(
                    basis=declared.legal_basis, jurisdiction=declared.jurisdiction, setting=declared.setting
                )
            )
            yield self._questions(*words.basis_questions)
        if self.entry is not None:
            yield _text(words.recorded.format(date=self.entry.at[:10], hash=self.entry.hash))
        if declared is not None and in_eea(declared.jurisdiction):
            yield _text(words.prohibition)
            yield self._questions(words.why_allowed)
            yield _text(words.duty_to_inform)
        else:
            yield _text(words.other_laws)
            yield self._questions(words.which_laws)

    def _people(self) -> Iterator[str]:
        words, detector = self.words, self.settings.detector
        yield self._questions(*words.people_questions)
        for sentence, zones in ((words.only_zones, detector.watch), (words.left_out, detector.ignore)):
            if zones:
                names = ", ".join(_plain(zone.name) or words.unnamed_zone for zone in zones)
                yield _text(sentence.format(names=names))
        if not detector.watch and not detector.ignore:
            yield _text(words.whole_view)

    def _categories(self) -> Iterator[str]:
        words, settings = self.words, self.settings
        rows = [words.picture, _filled(words.figures, window=self._duration(settings.summary.window_s))]
        if settings.privacy.level == "faces":
            name, content = words.faces
            rows.append((name, content + (words.place if settings.privacy.boxes else "")))
        rows += [words.state, words.declaration]
        yield _table(words.categories_head, rows)
        if settings.privacy.level == "summary":
            least = settings.privacy.min_group
            small = words.group_of_one if least == 1 else words.small_groups.format(min_group=least)
            yield _text(f"{words.only_group} {small}")
        yield _text(words.a_guess)
        yield self._questions(words.specially_protected)

    def _recipients(self) -> Iterator[str]:
        words, mqtt = self.words, self.settings.mqtt
        tls = words.encrypted if mqtt.tls.enabled else words.not_encrypted
        way = words.on_the_device if _is_loopback(mqtt.host) else tls
        answer = self._answer(self.details.broker)
        rows = [
            _filled(words.broker, host=shown_host(mqtt.host), port=mqtt.port, way=way, answer=answer),
            (words.people, self._answer(self.details.recipients)),
            words.page,
        ]
        if self.settings.home_assistant.enabled:
            rows.append(("Home Assistant", words.home_assistant.format(open=words.open)))
        metrics = self.settings.metrics
        if metrics.port:
            who = words.collector if _is_loopback(metrics.address) else words.everybody
            rows.append(("Prometheus", words.metrics.format(port=metrics.port, who=who)))
        rows.append((words.other_programs, words.open))
        yield _table(words.recipients_head, rows)

    def _retention(self) -> Iterator[str]:
        words, outbox = self.words, self.settings.outbox
        hours = self._duration(round(outbox.keep_delivered_h * 3600))
        after = words.after_delivery.format(hours=hours) if outbox.keep_delivered_h else words.until_delivery
        where = f"`{_code(shown_path(outbox.path))}`" if outbox.path else words.in_memory
        at_most = words.at_most.format(rows=f"{outbox.max_rows:,}".replace(",", words.thousands))
        if outbox.path:
            at_most += words.or_megabytes.format(megabytes=outbox.max_mb)
        rows = (
            (words.device, *words.kept_picture),
            (words.device, words.kept_events.format(where=where), after + at_most),
            (words.device, *words.kept_declarations),
            (words.device, *words.kept_audit),
            ("broker", *words.kept_state),
            ("broker", *words.kept_for_others),
            (words.page_name, words.kept_page, self._answer(self.details.page_retention)),
            (*words.backups, self._answer(self.details.backup_retention)),
        )
        yield _table(words.retention_head, rows)

    def _settings(self) -> Iterator[str]:
        yield _text(self.words.check_says)
        skipped = ("policy.", "device.")
        rows = [
            (f"`{key}`", f"`{_code(_shown(value))}`")
            for key, value in settings_that_matter(self.settings).items()
            if not key.startswith(skipped)
        ]
        yield _table(self.words.settings_head, rows)

    def _risks(self) -> Iterator[str]:
        rows = [*self._risks_of_settings(), *self.words.risks_of_all]
        yield _table(self.words.risks_head, [(risk, measure, self.words.open) for risk, measure in rows])

    def _risks_of_settings(self) -> Iterator[Pair]:
        """What these settings make worse, each with the setting that would mend it."""
        words, settings, privacy = self.words, self.settings, self.settings.privacy
        if privacy.level == "faces":
            yield words.risk_faces
        if privacy.boxes and privacy.level == "faces":
            yield words.risk_boxes
        if privacy.min_group < _SMALL_GROUP:
            yield _filled(words.risk_small, min_group=privacy.min_group, better=_SMALL_GROUP)
        yield from self._risks_of_single_members()
        if not settings.mqtt.tls.enabled and not _is_loopback(settings.mqtt.host):
            yield words.risk_plain
        if not settings.led.name:
            yield words.risk_led
        if settings.metrics.port and not _is_loopback(settings.metrics.address):
            yield words.risk_metrics
        if settings.home_assistant.enabled:
            yield words.risk_home_assistant

    def _risks_of_single_members(self) -> Iterator[Pair]:
        """What the figures of a group say about one of its members."""
        privacy = self.settings.privacy
        if privacy.protects_members:
            yield _filled(self.words.risk_member, blur=privacy.blur, hold=self._duration(privacy.hold_s))
        elif privacy.level == "summary":
            yield _filled(self.words.risk_exact, blur=PrivacySettings().blur)
        elif self.settings.summary.window_s < _SHORT_WINDOW_S:
            yield self.words.risk_short

    def _rights(self) -> Iterator[str]:
        words = self.words
        yield _text(words.signs_say)
        yield self._questions(words.what_happens)
        yield _text(words.erased_group if self.settings.privacy.level == "summary" else words.erased_faces)
        yield words.erasure
        yield self._erasure()

    def _erasure(self) -> str:
        settings = self.settings
        device, root = settings.device, settings.mqtt.root
        outbox = settings.outbox.path
        files = f"{shlex.quote(outbox)}*" if outbox else ""
        clear = (
            f"sudo systemctl stop edge-agent && sudo sh -c {shlex.quote(f'rm -f -- {files}')} && "
            "sudo systemctl start edge-agent"
            if outbox
            else "sudo systemctl restart edge-agent"
        )
        topic = f"{root}/v1/{device.site}/{device.id}"
        camera, account, on_device, page, page_button, page_exports, broker, backups = self.words.steps
        return "\n".join(
            [
                "```sh",
                f"# {camera}",
                f'mosquitto_pub -q 1 -r -t {topic}/desired -m \'{{"v":1,"muted":true}}\'    # {account}',
                f"# {on_device}",
                clear,
                f"# {page}",
                f"# {page_button}",
                f"# {page_exports}",
                f"sudo edge-dashboard erase --room {device.site}/{device.id}",
                f"# {broker}",
                f"sudo edge-agent fleet revoke {device.site}/{device.id}",
                f"# {backups}",
                "```",
            ]
        )

    def _decision(self) -> Iterator[str]:
        yield self._questions(*self.words.decision_questions)

    def _answer(self, text: Text, otherwise: str = "") -> str:
        return _plain(text_in(text, self.language)) or otherwise or self.words.open

    def _questions(self, *questions: str) -> str:
        """What only the controller can answer, one a line."""
        return "\n".join(f"- {question} {self.words.open}" for question in questions)

    def _duration(self, seconds: float) -> str:
        return WORDS[self.language].duration(seconds)


def _filled(pair: Pair, **values: object) -> Pair:
    """A line of a table, with values in place of what stands in braces."""
    first, second = pair
    return first.format(**values), second.format(**values)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _shown(value: object) -> str:
    return msgspec.json.encode(shown_path(value) if isinstance(value, str) else value).decode()


def _plain(text: str) -> str:
    """Text of others, of which Markdown and HTML make nothing but text."""
    return html.escape(re.sub(r"([\\`*_{}\[\]|~!])", r"\\\1", " ".join(text.split())), quote=False)


def _code(text: str) -> str:
    return text.replace("`", "'").replace("|", "\\|")


def _text(paragraph: str) -> str:
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |" for line in lines)
