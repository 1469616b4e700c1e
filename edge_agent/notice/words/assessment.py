"""What the draft of the impact assessment says. The type checker sees to it that no language lacks a sentence."""

from __future__ import annotations

from dataclasses import dataclass

Pair = tuple[str, str]
"""What a line of a table says: its first cell and its second one."""


@dataclass(frozen=True, slots=True)
class AssessmentWords:
    """The sentences of one language, in Markdown. What stands in braces is filled in.

    Attributes:
        thousands: What parts thousands in numbers.
        headings: Of the eleven sections.
        roles: Controller, who declared, processor, officer, questions, authority.
        steps: Comments of the commands for erasure: the camera, the device, the page, two lines about it, the broker,
            backups; and the remark beside the first command.
    """

    thousands: str
    title: str
    open: str
    draft: str
    sample: str
    headings: tuple[str, str, str, str, str, str, str, str, str, str, str]

    purpose: str
    purpose_questions: Pair
    parties_head: Pair
    roles: tuple[str, str, str, str, str, str]

    no_declaration: str
    declared: str
    basis_questions: Pair
    recorded: str
    prohibition: str
    why_allowed: str
    duty_to_inform: str
    other_laws: str
    which_laws: str

    people_questions: Pair
    only_zones: str
    left_out: str
    unnamed_zone: str
    whole_view: str

    categories_head: Pair
    picture: Pair
    figures: Pair
    faces: Pair
    place: str
    state: Pair
    declaration: Pair
    only_group: str
    group_of_one: str
    small_groups: str
    a_guess: str
    specially_protected: str

    recipients_head: Pair
    broker: Pair
    on_the_device: str
    encrypted: str
    not_encrypted: str
    people: str
    page: Pair
    home_assistant: str
    metrics: str
    collector: str
    everybody: str
    other_programs: str

    retention_head: tuple[str, str, str]
    device: str
    kept_picture: Pair
    kept_events: str
    in_memory: str
    after_delivery: str
    until_delivery: str
    at_most: str
    or_megabytes: str
    kept_declarations: Pair
    kept_audit: Pair
    kept_state: Pair
    kept_for_others: Pair
    page_name: str
    kept_page: str
    backups: Pair

    check_says: str
    settings_head: Pair

    risks_head: tuple[str, str, str]
    risk_faces: Pair
    risk_boxes: Pair
    risk_small: Pair
    risk_member: Pair
    risk_exact: Pair
    risk_short: Pair
    risk_plain: Pair
    risk_led: Pair
    risk_metrics: Pair
    risk_home_assistant: Pair
    risks_of_all: tuple[Pair, ...]

    signs_say: str
    what_happens: str
    erased_group: str
    erased_faces: str
    erasure: str
    steps: tuple[str, str, str, str, str, str, str, str]

    decision_questions: tuple[str, str, str, str, str, str, str]
