"""Messages with one wrong field."""

from __future__ import annotations

from edge_agent.protocol.topics import EXPRESSION, HEALTH, REPLY, STATUS, SUMMARY
from qa.mutants.registry import born, dead, dropping, edited, setting, when

edited("a birth without labels", STATUS, when(born, dropping("labels")))
edited("a label twice", STATUS, when(born, lambda m: m["labels"].append("happy")))
edited("a birth without health_every_s", STATUS, when(born, dropping("health_every_s")))
edited("a birth that does not list its own session", STATUS, when(born, lambda m: m["sessions"].pop(0)))
edited("sessions with the oldest first", STATUS, when(born, lambda m: m["sessions"].reverse()))
edited(
    "last_seq of an earlier run is one too low",
    STATUS,
    when(
        born,
        lambda m: [run["last_seq"].update(summary=run["last_seq"].get("summary", 1) - 1) for run in m["sessions"][1:]],
    ),
)
edited("a birth dated before its session began", STATUS, when(born, setting(at="2020-01-01T00:00:00.000Z")))
edited("a death of another session", STATUS, when(dead, setting(session="0000000000000000")))
edited("a death without a reason", STATUS, when(dead, dropping("reason")))
edited("a death on purpose without a date", STATUS, when(dead, dropping("at")))
edited("v is missing in health", HEALTH, dropping("v"))
edited("v is 2 in a summary", SUMMARY, setting(v=2))
edited("v is text in a reply", REPLY, setting(v="1"))
edited("a time without milliseconds", HEALTH, lambda m: m.update(observed_at=m["observed_at"][:19] + "Z"))
edited("a time with an offset", SUMMARY, lambda m: m.update(observed_at=m["observed_at"][:-1] + "+00:00"))
edited("a model id in capitals", SUMMARY, setting(model="0123456789AB"))
edited("a summary of another model", SUMMARY, setting(model="ba9876543210"))
edited("health of another session", HEALTH, setting(session="9ZZZZZZZZZZZZZZZ"))
edited("frames_read is text", HEALTH, lambda m: m.update(frames_read=str(m["frames_read"])))
edited("health without outbox", HEALTH, dropping("outbox"))
edited("last_seq one too high", HEALTH, lambda m: m["last_seq"].update(summary=m["last_seq"].get("summary", 0) + 1))
edited("last_seq never counts", HEALTH, setting(last_seq={}))
edited("frames_read falls", HEALTH, lambda m: m.update(frames_read=1_000_000 - m["frames_read"]))
edited("more frames dropped than read", HEALTH, lambda m: m.update(frames_dropped=m["frames_read"] + 1))
edited("p50 above p95", HEALTH, setting(latency_ms={"total": {"p50": 60.0, "p95": 40.0}}))
edited("faces is text", SUMMARY, when(lambda m: m["faces"] is not None, setting(faces="6")))
edited("figures in a suppressed summary", SUMMARY, when(lambda m: m["suppressed"], setting(faces=2)))
edited(
    "more faces with a baseline than faces", SUMMARY, when(lambda m: m["faces"] is not None, setting(with_baseline=9))
)
edited("no figures in a summary that is not suppressed", SUMMARY, setting(faces=None))
edited(
    "shares that sum to 1.2",
    SUMMARY,
    when(lambda m: m["shares"] is not None, setting(shares={"happy": 0.7, "sad": 0.5})),
)
edited("shares of an unknown label", SUMMARY, when(lambda m: m["shares"] is not None, setting(shares={"bored": 1.0})))
edited(
    "event_id of a summary says expression",
    SUMMARY,
    lambda m: m.update(event_id=m["event_id"].replace("summary", "expression")),
)
edited(
    "event_id of an expression without the device",
    EXPRESSION,
    lambda m: m.update(event_id=m["event_id"].split("/", 1)[1]),
)
edited("an unknown kind", EXPRESSION, when(lambda m: m["kind"] == "change", setting(kind="switch")))
edited("an expression that no label names", EXPRESSION, setting(expression="bored"))
edited("a confidence above 1", EXPRESSION, setting(confidence=1.2))
edited("a confidence that scores do not say", EXPRESSION, setting(confidence=0.2))
edited("scores without one label", EXPRESSION, lambda m: m["scores"].pop("sad"))
edited("scores that sum to 2", EXPRESSION, lambda m: m["scores"].update(sad=1.0))
edited("previous at start", EXPRESSION, when(lambda m: m["kind"] == "start", setting(previous="sad")))
edited("a change from another expression", EXPRESSION, when(lambda m: m["kind"] == "change", setting(previous="sad")))
edited("the end of another expression", EXPRESSION, when(lambda m: m["kind"] == "end", setting(expression="sad")))
edited(
    "a track that starts twice", EXPRESSION, when(lambda m: m["kind"] == "change", setting(kind="start", previous=None))
)
edited(
    "a change after the end",
    EXPRESSION,
    lambda m: m.update(kind={"change": "end", "end": "change"}.get(m["kind"], "start")),
)
edited("mono_ms and observed_at apart", SUMMARY, lambda m: m.update(mono_ms=m["mono_ms"] + 60_000))
edited("mono_ms runs backwards", SUMMARY, lambda m: m.update(mono_ms=1_000_000 - m["mono_ms"]))
edited("a reply without id", REPLY, setting(id=""))
edited("a reply that calls the command otherwise", REPLY, setting(command="pong"))
edited("an error in a reply that is ok", REPLY, setting(error="none"))
edited("a refusal without a reason", REPLY, when(lambda m: not m["ok"], dropping("error")))
edited("a picture in a summary", SUMMARY, setting(picture="data:image/png;base64,iVBORw0KGgo"))
edited(
    "a count that is too high",
    REPLY,
    when(lambda m: "count" in m.get("result", {}), lambda m: m["result"].update(count=m["result"]["count"] + 1)),
)
edited(
    "a snapshot without its tracks",
    REPLY,
    when(lambda m: "tracks" in m.get("result", {}), setting(result={"tracks": [{"track": 7, "expression": None}]})),
)
