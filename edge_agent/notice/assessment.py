"""A draft of the data-protection impact assessment, in Markdown: what the settings say is filled in, the rest is open.

It is written for the officer who has to finish it. Where a setting raises a risk, the draft says so and names the
setting.
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
from edge_agent.notice.words import WORDS
from edge_agent.privacy.declarations import Entry
from edge_agent.privacy.policy import AI_ACT, EXEMPT_BASES, Declaration, in_eea

_OPEN: Final = "**[to be filled in]**"
_WIDTH: Final = 116
_SMALL_GROUP: Final = 5
_SHORT_WINDOW_S: Final = 30.0


def assessment(
    settings: Settings, declaration: Declaration | None, entry: Entry | None, details: Details, record: Record
) -> str:
    """The draft.

    Args:
        settings: The device's.
        declaration: What its operator declared; ``None`` where a simulation or a file needs none.
        entry: The declaration as the device has recorded it; ``None`` where it is not recorded or cannot be read here.
        details: The school's answers.
        record: Which settings it is made from.
    """
    draft = _Draft(settings, declaration, entry, details, record)
    return "\n\n".join(draft.paragraphs()) + "\n"


@dataclass(frozen=True, slots=True)
class _Draft:
    settings: Settings
    declaration: Declaration | None
    entry: Entry | None
    details: Details
    record: Record

    def paragraphs(self) -> Iterator[str]:
        """All of it, in order."""
        device = self.settings.device
        name = f"{device.site}/{device.id}" + (f" ({_plain(device.room)})" if device.room.strip() else "")
        yield f"# Data-protection impact assessment: {name}"
        yield _text(
            f"**Draft.** `edge-agent notice` (version {__version__}) made it on {self.record.made_at[:10]} from the "
            f"settings with the fingerprint `{self.record.fingerprint[:12]}`. It fills in what the settings say. "
            f"{_OPEN} marks what only the controller can answer. It is no legal advice, and no assessment is done "
            "before somebody has judged it."
        )
        if not self.settings.camera.live:
            yield _text(
                f"**Sample.** The camera of these settings is `{self.settings.camera.source}`: a simulation or a "
                "recording, not a live camera."
            )
        for heading, content in (
            ("1. Purpose and necessity", self._purpose()),
            ("2. Controller, processor, officer", self._parties()),
            ("3. Legal basis", self._basis()),
            ("4. People in view", self._people()),
            ("5. Categories of data", self._categories()),
            ("6. Recipients", self._recipients()),
            ("7. Retention", self._retention()),
            ("8. Settings that matter", self._settings()),
            ("9. Risks and measures", self._risks()),
            ("10. Information, rights and erasure", self._rights()),
            ("11. Consultation and decision", self._decision()),
        ):
            yield f"## {heading}"
            yield from content

    def _purpose(self) -> Iterator[str]:
        yield f"Purpose: {self._answer(self.details.purpose)}"
        yield _questions(
            "Could it be reached without a camera, or with a questionnaire?",
            "Could it be reached with a longer window, a larger group, or fewer lessons?",
        )

    def _parties(self) -> Iterator[str]:
        declared = _plain(self.declaration.declared_by) if self.declaration else ""
        details = self.details
        yield _table(
            ("role", "who"),
            [
                ("controller", self._answer(details.controller, declared)),
                ("who declared", declared or _OPEN),
                ("processor, with its contract", self._answer(details.processor)),
                ("data protection officer", self._answer(details.officer)),
                ("questions and objections", self._answer(details.contact)),
                ("supervisory authority", self._answer(details.authority)),
            ],
        )

    def _basis(self) -> Iterator[str]:
        declared = self.declaration
        if declared is None:
            yield _text("No declaration stands in the settings. A live camera does not start without one.")
        else:
            yield _text(
                f"Declared: the basis `{declared.legal_basis}`, in `{declared.jurisdiction}`, in the setting "
                f"`{declared.setting}`."
            )
            yield _questions("Law and article:", "Who found that it holds, and when:")
        if self.entry is not None:
            yield _text(
                f"The device recorded this declaration on {self.entry.at[:10]}. Its status publishes the hash "
                f"`{self.entry.hash}`."
            )
        if declared is not None and in_eea(declared.jurisdiction):
            yield _text(
                f"{AI_ACT} prohibits AI systems that infer emotions at workplaces and in education institutions, "
                f"except for {' or '.join(EXEMPT_BASES)} reasons."
            )
            yield _questions("Why it does not stand against this use:")
            yield _text(
                "Article 50(3) of the same regulation asks deployers of an emotion recognition system to inform the "
                "people who are exposed to it. Article 50(5) says when: clearly, and at the latest at the first "
                "exposure. Article 113 makes both apply from 2 August 2026. The signs made with this draft are for "
                "that. They hang where people see them before they are in view."
            )
        else:
            yield _text(
                "Outside the European Economic Area, other laws decide what people must be told and what is forbidden."
            )
            yield _questions("Which laws were looked at:")

    def _people(self) -> Iterator[str]:
        detector = self.settings.detector
        yield _questions(
            "Who is in view, how many, of what age:",
            "Who cannot avoid the room (visitors, cleaning staff, the corridor behind an open door):",
        )
        for words, zones in (("Only these zones are looked at", detector.watch), ("Left out", detector.ignore)):
            if zones:
                names = ", ".join(_plain(zone.name) or "a zone without a name" for zone in zones)
                yield _text(f"{words}: {names}.")
        if not detector.watch and not detector.ignore:
            yield _text("The whole view of the camera is looked at: the settings name no zones.")

    def _categories(self) -> Iterator[str]:
        settings = self.settings
        window = WORDS["en"].duration(settings.summary.window_s)
        rows = [
            ("picture", "in the device's memory, about a second; never stored, never sent"),
            ("figures of the group", f"every {window}: number of faces, shares of expressions"),
        ]
        if settings.privacy.level == "faces":
            rows.append(
                (
                    "events of each face",
                    "a random id that means nothing after the session, the expression, probabilities, times"
                    + (", the place in the picture" if settings.privacy.boxes else ""),
                )
            )
        rows.append(("state of the device", "online, version, camera, temperature, problems; no person"))
        rows.append(("declaration", "basis and a hash over MQTT; the name stays on the device"))
        yield _table(("data", "what"), rows)
        if settings.privacy.level == "summary":
            yield _text(
                "Nothing about a single face leaves the device. "
                + (
                    "Figures are also sent where one person is in view: `min_group` is 1."
                    if settings.privacy.min_group == 1
                    else f"With fewer than {settings.privacy.min_group} people in view, no figures are made."
                )
            )
        yield _text(
            "An expression is what a face seems to show, as a program guesses it, and about one in three guesses is "
            "wrong."
        )
        yield _questions("Whether the law here treats it as biometric or as otherwise specially protected:")

    def _recipients(self) -> Iterator[str]:
        mqtt = self.settings.mqtt
        here = _is_loopback(mqtt.host)
        tls = "encrypted (TLS)" if mqtt.tls.enabled else "**not encrypted**"
        rows = [
            (
                "broker",
                f"{shown_host(mqtt.host)}, port {mqtt.port}, {'on the device' if here else tls}. "
                f"{self._answer(self.details.broker)}",
            ),
            ("people", self._answer(self.details.recipients)),
            ("school's page", "teachers see their own rooms only; every look is logged"),
        ]
        if self.settings.home_assistant.enabled:
            rows.append(("Home Assistant", f"takes the figures from the broker; its retention: {_OPEN}"))
        metrics = self.settings.metrics
        if metrics.port:
            who = "a collector on the device" if _is_loopback(metrics.address) else "**everybody in the network**"
            rows.append(("Prometheus", f"the device's state at port {metrics.port}, for {who}"))
        rows.append(("other programs at the broker", _OPEN))
        yield _table(("recipient", "what"), rows)

    def _retention(self) -> Iterator[str]:
        outbox = self.settings.outbox
        hours = WORDS["en"].duration(round(outbox.keep_delivered_h * 3600))
        after = f"{hours} after delivery" if outbox.keep_delivered_h else "until delivery"
        where = f"`{_code(shown_path(outbox.path))}`" if outbox.path else "memory, until the device is switched off"
        yield _table(
            ("place", "what", "for how long"),
            [
                ("device", "picture", "about a second, in memory"),
                (
                    "device",
                    f"events and figures, in {where}",
                    f"{after}; if the broker is away, at most {outbox.max_rows:,} events"
                    + (f" or {outbox.max_mb} MB" if outbox.path else ""),
                ),
                ("device", "`declarations.jsonl`, mute state", "without limit"),
                ("device", "`audit.log`: commands and mutes", "the newest four megabytes"),
                ("broker", "state of the device, its last sign of life, what it should be", "until removed"),
                (
                    "broker",
                    "events for programs that are away",
                    "as the broker's file says: 14 days in the one that comes with this project",
                ),
                ("page", "figures, looks at rooms, exports", self._answer(self.details.page_retention)),
                ("backups", "of page, broker and settings", self._answer(self.details.backup_retention)),
            ],
        )

    def _settings(self) -> Iterator[str]:
        yield _text("`edge-agent check` says which of these have changed since this draft was made.")
        skipped = ("policy.", "device.")
        rows = [
            (f"`{key}`", f"`{_code(_shown(value))}`")
            for key, value in settings_that_matter(self.settings).items()
            if not key.startswith(skipped)
        ]
        yield _table(("setting", "value"), rows)

    def _risks(self) -> Iterator[str]:
        rows = [*self._risks_of_settings(), *_RISKS_OF_ALL]
        yield _table(("risk", "measure", "what is left"), [(risk, measure, _OPEN) for risk, measure in rows])

    def _risks_of_settings(self) -> Iterator[tuple[str, str]]:
        """What these settings make worse, each with the setting that would mend it."""
        settings, privacy = self.settings, self.settings.privacy
        if privacy.level == "faces":
            yield (
                "**Single faces are published.** Who knows the seating can tell the children apart.",
                '`[privacy] level = "summary"` publishes the group alone.',
            )
        if privacy.boxes and privacy.level == "faces":
            yield "**Places of faces are published**: a seat names a child.", "`[privacy] boxes = false`"
        if privacy.min_group < _SMALL_GROUP:
            yield (
                f"**Small groups**: figures are sent from {privacy.min_group} people on.",
                f"`[privacy] min_group = {_SMALL_GROUP}` or more",
            )
        yield from self._risks_of_single_members()
        if not settings.mqtt.tls.enabled and not _is_loopback(settings.mqtt.host):
            yield (
                "**Nothing is encrypted** on the way to the broker: who is in the network can read it.",
                "enrol the device: `edge-agent enrol` sets `[mqtt.tls]`",
            )
        if not settings.led.name:
            yield "**Nobody sees whether the camera is open.**", "a light beside it: `[led] name`"
        if settings.metrics.port and not _is_loopback(settings.metrics.address):
            yield (
                "**The device's state is open to the network**, without a password.",
                '`[metrics] address = "127.0.0.1"`',
            )
        if settings.home_assistant.enabled:
            yield (
                "**Home Assistant keeps a history of its own**, which no setting here limits.",
                "limit its recorder, or `[home_assistant] enabled = false`",
            )

    def _risks_of_single_members(self) -> Iterator[tuple[str, str]]:
        """What the figures of a group say about one of its members."""
        privacy, window_s = self.settings.privacy, self.settings.summary.window_s
        if privacy.protects_members:
            hold = WORDS["en"].duration(privacy.hold_s)
            yield (
                "**One member of the group**: two figures, with and without one child, say something about it.",
                f"disclosure control (`[privacy] blur = {privacy.blur}`): figures are rough, of blocks of {hold} or "
                "more, and withheld below secret thresholds",
            )
        elif privacy.level == "summary":
            yield (
                "**Exact figures**: two of them, with and without one child, say something about it.",
                f"`[privacy] blur = {PrivacySettings().blur}`, which is the default",
            )
        elif window_s < _SHORT_WINDOW_S:
            yield (
                "**Short windows**: two figures a moment apart, with and without one child, say something about it.",
                'a longer `[summary] window_s`, a larger `min_group`, or `[privacy] level = "summary"` with `blur`',
            )

    def _rights(self) -> Iterator[str]:
        yield _text("The signs say what is done, by whom, and where to object.")
        yield _questions("What happens in this room when somebody objects:")
        if self.settings.privacy.level == "summary":
            yield _text(
                "Figures of a group cannot be traced to a person, so they are erased by room and time, not by name."
            )
        else:
            yield _text(
                "Events carry random ids. Only who knows who sat where and when can find a person's, so they are "
                "erased by room and time."
            )
        yield "Erasure, place by place:"
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
        return "\n".join(
            [
                "```sh",
                "# 1. Close the camera first, on the page or at the broker. It stays closed until somebody opens it.",
                f'mosquitto_pub -q 1 -r -t {topic}/desired -m \'{{"v":1,"muted":true}}\'    # with your account',
                "# 2. Events and figures on the device.",
                clear,
                "# 3. The page, on its machine. Where it is no service, the command is: edge-agent dashboard erase.",
                "#    The data officer's page has a button for the same. --from and --to name a time. Exports are",
                "#    files of whoever made them; the page's log says who did.",
                f"sudo edge-dashboard erase --room {device.site}/{device.id}",
                "# 4. What the broker keeps of the device; this also ends its access.",
                f"sudo edge-agent fleet revoke {device.site}/{device.id}",
                "# 5. Backups: they run out as section 7 says. Delete earlier ones where the law asks for it.",
                "```",
            ]
        )

    def _decision(self) -> Iterator[str]:
        yield _questions(
            "Pupils were heard:",
            "Parents were heard:",
            "Staff or works council were heard:",
            "The data protection officer's advice:",
            "The authority was asked, where the risk stays high:",
            "Decided by whom, when, until when:",
            "What would end it:",
        )

    def _answer(self, text: Text, otherwise: str = "") -> str:
        return _plain(text_in(text, "en")) or otherwise or _OPEN


_RISKS_OF_ALL: Final = (
    (
        "**Wrong results taken for facts**: about one in three is wrong, and not equally often for all people.",
        "nobody is graded, disciplined or diagnosed by them; `uncertain` is shown; those who see them are taught",
    ),
    ("**Pressure** on people who know that they are watched.", "muting outside the purpose; the signs; objections"),
    ("**A stolen device.**", "no picture on it; what it keeps is in section 7; `edge-agent fleet revoke`"),
    ("**A stranger at the broker.**", "one account for each device and program, access rules, certificates"),
    ("**Curious colleagues.**", "roles: teachers see their own rooms; the page logs who looked"),
    ("**Use for another purpose later.**", "this assessment; the record of declarations; the page's log"),
)


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


def _questions(*questions: str) -> str:
    """What only the controller can answer, one a line."""
    return "\n".join(f"- {question} {_OPEN}" for question in questions)


def _text(paragraph: str) -> str:
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in line)} |" for line in lines)
