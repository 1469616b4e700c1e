"""A model bundle's facts as a table for people."""

from __future__ import annotations

from edge_agent.model_format.bundle import Bundle
from edge_agent.model_format.priors import describe_shares, training_shares_of_bundle


def describe(bundle: Bundle) -> list[tuple[str, str]]:
    """A model's facts for a person, as rows of name and value in reading order; unknown ones are left out."""
    facts = bundle.metadata
    run, shares = facts.training, training_shares_of_bundle(facts)
    size = facts.input.size_px
    colours = "gray levels" if facts.input.channels == 1 else "red-green-blue"
    fitted = f", fitted on {facts.temperature_fitted_on}" if facts.temperature_fitted_on else ", not fitted"
    rows = [
        ("name", facts.name),
        ("id", bundle.model_id),
        ("sha256", bundle.sha256),
        ("size", f"{bundle.size_bytes:,} bytes"),
        ("architecture", facts.architecture),
        ("parameters", f"{facts.parameters:,}"),
        ("multiply-accumulates", f"{facts.macs / 1e6:.1f} million a face" if facts.macs is not None else ""),
        ("quantization", facts.quantization),
        ("labels", ", ".join(facts.labels)),
        ("input", f"{size}x{size} {colours}, {facts.input.dtype}, {facts.input.low} to {facts.input.high}"),
        ("temperature", f"{facts.temperature:.4f}{fitted}"),
        (
            "prior of its training",
            "not known" if shares is None else describe_shares(shares),
        ),
        ("run", run.run),
        ("recipe", run.recipe),
        ("seed", "" if run.seed is None else str(run.seed)),
        ("code", run.git_revision),
        ("trained", run.finished_at),
        ("initial weights", run.started_from),
        ("teacher models", ", ".join(run.teachers)),
        ("extra annotation", run.extra_annotation),
        ("earlier provenance", ", ".join((*run.earlier_annotation, *run.earlier_teachers))),
    ]
    for data in facts.data:
        counts = ", ".join(f"{count:,} {part}" for part, count in data.images.items() if count)
        parts = [data.name, data.protocol, counts, f"sha256 {data.sha256[:12]}", data.note]
        rows.append((f"data for {data.use}", "; ".join(part for part in parts if part)))
    for part, metrics in facts.metrics.items():
        rows.append(
            (
                f"on {part}",
                ", ".join(
                    f"{metric} {value:,.0f}" if value >= 10 else f"{metric} {value:.4g}"
                    for metric, value in metrics.items()
                ),
            )
        )
    if bundle.golden is not None:
        rows.append(("golden faces", f"{len(bundle.golden.logits)}, drawn"))
    rows += [("licence", facts.licence), ("created", facts.created_at), ("note", facts.note)]
    return [(name, value) for name, value in rows if value]
