"""Attack the summaries of simulated lessons: can they give away one pupil to who knows all the others?

    python -m qa.summary_attack [--lessons 1000] [--blur 18] [--hold-s 150] [--group 24] [--only-limits] [--json]

Every lesson hides one bit about one more pupil: whether he or she was there, came late, left early, or was happy. In
some lessons the mood of the whole class changes. Three attackers guess the bit. All hold every published message, and
know who of the others sits where and when.

- ``learned`` is a logistic regression. It has learned from other lessons with known truth. It sees the published
  figures in steps of five minutes, sizes and times of messages, all of ``health``, and what the others did.
- ``boosted`` sees the same, and has learned 100 small decisions one after the other (gradient boosting).
- ``informed`` knows the defence, the ends of its blocks, and the expression of each of the others at each second. All
  it does not know are the secret thresholds. It plays the lesson again with many of them under both hypotheses. It
  believes the hypothesis under which the device says more often what it has said.

``any`` is no attacker but what the best one could reach who knows all that, and all that the one more pupil would show
in either case: half of the distance between what the device says in both cases, added up exactly. The device runs
before the class comes and after it has gone. With ``--restarts`` it is restarted so often within the lesson, at times
that the attacker knows.

The same lessons are attacked without the defence, for comparison. The cost in usefulness is measured in other lessons,
in which the mood of the whole class changes for ten minutes.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from edge_agent.command_line import finite, run_app
from edge_agent.config import PrivacySettings
from qa.summary_attack.attacks import attack
from qa.summary_attack.lessons import MOODS, SECRETS
from qa.summary_attack.limits import limits
from qa.summary_attack.results import Result
from qa.summary_attack.usefulness import usefulness


def main(
    lessons: Annotated[int, typer.Option(min=20, help="Lessons in which every secret is guessed.")] = 1000,
    group: Annotated[int, typer.Option(min=1, max=39, help="Pupils beside the one more.")] = 24,
    blur: Annotated[int, typer.Option(min=1, max=40, help="[privacy] blur.")] = PrivacySettings().blur,
    hold_s: Annotated[
        float, typer.Option(min=10, callback=finite, help="[privacy] hold_s.")
    ] = PrivacySettings().hold_s,
    secret: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    mood: Annotated[
        list[str] | None, typer.Option(help=f"Only this one of {', '.join(MOODS)}; may be repeated.")
    ] = None,
    restarts: Annotated[int, typer.Option(min=0, help="Limits alone: restarts of the device in a lesson.")] = 0,
    happy: Annotated[
        float, typer.Option(min=0, max=0.6, callback=finite, help="Limits alone: how often others are happy.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Which lessons.")] = 1,
    only_limits: Annotated[bool, typer.Option(help="What no attacker can exceed, and no attacks.")] = False,
    only_attacks: Annotated[bool, typer.Option(help="Attacks, and not what none can exceed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Attack the summaries of simulated lessons, and say what their protection costs."""
    privacy = PrivacySettings(level="summary", blur=blur, hold_s=hold_s)
    secrets, moods = secret or list(SECRETS), mood or list(MOODS)
    results: list[Result] = []

    def tell(found: Sequence[Result]) -> None:
        results.extend(found)
        for result in found if not json else ():
            defence = "with the defence" if result.defended else "without"
            interval = f"{result.low:.1%} to {result.high:.1%}"
            says = f"{defence:17} {result.accuracy:6.1%}  ({interval})"
            typer.echo(f"{result.secret:14} {result.mood:6} {result.attacker:9} {says}")

    if not only_attacks:
        tell(limits(secrets, moods, lessons, group, privacy, seed, restarts, happy))
    if not (only_limits or restarts):
        for name in secrets:
            for way in moods:
                tell(attack(name, way, lessons, group, privacy, seed))
    cost = usefulness(min(200, max(20, lessons // 5)), group, privacy, seed)
    if json:
        typer.echo(jsonlib.dumps({"attacks": [asdict(result) for result in results], "cost": asdict(cost)}, indent=2))
    else:
        typer.echo("\n".join(f"{name:14} {value}" for name, value in asdict(cost).items()))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(main)
    run_app(app)
