"""Comparison of runs: the settings in which they differ, and the statistics of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from train.common.table import table
from train.fit.recipe import Phase
from train.fit.run_dir import RunDir
from train.fit.run_record import EpochMetrics, RunRecord
from train.measure.evaluate import wilson_interval
from train.measure.selection import prior_name, recorded_score

# Texts for people, and what stands in another form below.
_OMITTED = ("title", "source", "command", "cost", "expected", "phases", "protocol")
_ABSENT = "-"
_UNTRAINED = "none, a mean of weights"


@dataclass(frozen=True)
class Comparison:
    """Several runs compared, in the order in which they were given.

    Attributes:
        runs: Their names: the folder's, or as much of the path as is needed to distinguish them.
        differing: Settings and circumstances that are not the same in all, each with a text for every run.
        statistics: The results, each with a text for every run.
    """

    runs: tuple[str, ...]
    differing: dict[str, tuple[str, ...]]
    statistics: dict[str, tuple[str, ...]]

    def to_json(self) -> dict[str, object]:
        """The same as plain JSON values."""
        return {
            "runs": list(self.runs),
            "differing": {key: dict(zip(self.runs, values, strict=True)) for key, values in self.differing.items()},
            "figures": {key: dict(zip(self.runs, values, strict=True)) for key, values in self.statistics.items()},
        }


def compare(paths: Sequence[Path]) -> Comparison:
    """Compare runs, finished or not.

    Raises:
        InputError: One of the paths is not a run directory.
    """
    runs = [RunDir(path) for path in paths]
    read = [(run, run.record(), run.metrics()) for run in runs]
    settings = [_settings(record, epochs) for _, record, epochs in read]
    statistics = [_statistics(run, record, epochs) for run, record, epochs in read]
    both = {key: tuple(one.get(key, _ABSENT) for one in settings) for one in settings for key in one}
    return Comparison(
        runs=tuple(short_names([path.resolve() for path in paths])),
        differing={key: values for key, values in both.items() if len(set(values)) > 1},
        statistics={key: tuple(one[key] for one in statistics) for key in statistics[0]},
    )


def to_markdown(comparison: Comparison) -> str:
    """A comparison as Markdown that is also readable in a terminal."""
    parts = [
        table([heading, *comparison.runs], [[key, *values] for key, values in rows.items()])
        for heading, rows in (("statistic", comparison.statistics), ("setting that differs", comparison.differing))
        if rows
    ]
    if not comparison.differing:
        parts.append("All settings are the same.")
    return "\n\n".join(parts)


def short_names(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths that distinguish them."""
    longest = max(len(path.parts) for path in paths)
    for count in range(1, longest):
        ends = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(ends)) == len(set(paths)):
            return ends
    return [str(path) for path in paths]


def _settings(record: RunRecord, epochs: Sequence[EpochMetrics]) -> dict[str, str]:
    recipe = msgspec.to_builtins(record.recipe)
    circumstances = {
        "phases": _UNTRAINED if _is_mean(record, epochs) else ", then ".join(map(_phase, record.recipe.phases)),
        "data": f"{record.data}, sha256 {record.fingerprint[:12]}",
        "further data": ", ".join(f"{one.images:,} of {one.name}" for one in record.extra) or "none",
        "split": record.protocol,
        "images": ", ".join(f"{count:,} {part}" for part, count in record.images.items() if count),
        "extra annotation": record.extra_annotation or "none",
        "teachers": ", ".join(record.teachers) or "none",
        "started from": record.started_from or "nothing",
        "code": record.git_revision,
        "software": ", ".join(f"{name} {version}" for name, version in record.versions.items()),
        "machine": record.machine or "unknown",
    }
    return {**_flat({key: value for key, value in recipe.items() if key not in _OMITTED}), **circumstances}


def _is_mean(record: RunRecord, epochs: Sequence[EpochMetrics]) -> bool:
    """Whether a run is a mean of others' weights, which is finished without an epoch."""
    return bool(record.finished_at) and not epochs


def _phase(phase: Phase) -> str:
    varied = "" if phase.variation == 1 else f", varied by {phase.variation:g}"
    untaught = "" if phase.use_teachers else ", without teachers"
    return f"{phase.epochs} epochs at {phase.side_px} px{varied}{untaught}"


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Nested settings by dotted names: ``optimizer.learning_rate``."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = str(value)
    return found


def _selection(run: RunDir) -> str:
    found = recorded_score(run.path)
    return _ABSENT if found is None else f"{found.score:.2%}, prior {prior_name(found.prior)}"


def _statistics(run: RunDir, record: RunRecord, epochs: Sequence[EpochMetrics]) -> dict[str, str]:
    shown = {
        "epochs": _UNTRAINED if _is_mean(record, epochs) else f"{len(epochs)} of {record.recipe.epochs}",
        "parameters": f"{record.parameters:,}",
        "multiply-accumulates": f"{record.macs:,}",
        "selection score": _selection(run),
    }
    keys = ["validation accuracy", "95 % interval", "validation loss", "accuracy", "loss", "best validation", "time"]
    if not epochs:
        return shown | dict.fromkeys(keys, _ABSENT)
    # The network in the run is that of the kept epoch, which is the last one unless the validation part chose another.
    kept = next((metrics for metrics in epochs if metrics.epoch + 1 == record.kept_epoch), epochs[-1])
    best = max(epochs, key=lambda metrics: metrics.val_accuracy)
    images = record.images["validation"]
    low, high = wilson_interval(round(kept.val_accuracy * images), images)
    values = [
        f"{kept.val_accuracy:.2%}",
        f"{low:.2%} to {high:.2%}",
        f"{kept.val_loss:.4f}",
        f"{kept.accuracy:.2%}",
        f"{kept.loss:.4f}",
        f"{best.val_accuracy:.2%} in epoch {best.epoch + 1}",
        f"{sum(metrics.seconds for metrics in epochs) / 60:.1f} min",
    ]
    return shown | dict(zip(keys, values, strict=True))
