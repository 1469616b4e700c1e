"""Verdicts for people and for scripts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from edge_agent.conformance.clauses import Clause, Verdict

RESULTS = ("pass", "fail", "not tested")


def table(verdicts: Sequence[Verdict], *, whole: bool) -> str:
    """Lines for a person: a clause a line, then the counts. Without ``whole``, those that passed are left out."""
    lines = []
    for verdict in verdicts:
        if whole or verdict.result != "pass":
            lines.append(f"{verdict.number}  {verdict.result:<10}  {verdict.topic:<9}  {verdict.text}")
            if verdict.why:
                lines.append(f"     {'':<10}  {'':<9}  {verdict.why}")
    return "\n".join([*lines, counts(verdicts)])


def counts(verdicts: Sequence[Verdict]) -> str:
    """How many passed, failed and were not tested."""
    found = Counter(verdict.result for verdict in verdicts)
    return ", ".join(f"{found[result]} {result}" for result in RESULTS)


def as_json(verdicts: Sequence[Verdict]) -> str:
    """One object: the counts by result, and every verdict."""
    found = Counter(verdict.result for verdict in verdicts)
    clauses = [
        {
            "number": verdict.number,
            "topic": verdict.topic,
            "text": verdict.text,
            "result": verdict.result,
            "why": verdict.why,
        }
        for verdict in verdicts
    ]
    return json.dumps({"counts": {result: found[result] for result in RESULTS}, "clauses": clauses}, ensure_ascii=False)


_HEAD = """\
# What the conformance kit demands

Printed by `edge-agent conformance --list`. How to use the kit: docs/conformance.md in the agent's repository. Clauses
up to 900 are about devices, those from 901 on about programs that listen. Numbers below 800 do not change. Those of
fields move when a field is added.
"""


def as_markdown(clauses: Iterable[Clause[Any]]) -> str:
    """The page that lists the clauses."""
    lines = [_HEAD, "| number | topic | the device or program must keep to this | source |", "|---|---|---|---|"]
    for clause in clauses:
        text, source = (part.replace("|", "\\|") for part in (clause.text, clause.source))
        lines.append(f"| {clause.number} | {clause.topic} | {text} | {source} |")
    return "\n".join(lines)
