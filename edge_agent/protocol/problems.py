"""Every word that ``health`` may carry in ``problems``. More may come, so that receivers keep no fixed list."""

from __future__ import annotations

from typing import Final

PROBLEMS: Final = (
    "camera_stalled",
    "camera_dark",
    "camera_frozen",
    "camera_failed",
    "camera_ended",
    "throttled",
    "frame_rate_reduced",
    "inference_failed",
    "led_failed",
    "mute_not_remembered",
    "outbox_degraded",
    "outbox_stalled",
    "outbox_set_aside",
    "events_lost",
    "publish_denied",
    "device_id_in_use_twice",
)
