"""The whole agent, camera and model included."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.simulate import SimulatedClassroom
from edge_agent.vision.classifier import BUNDLED_MODEL
from qa.faults.stage import Stage
from tests.support import rpicam_vid
from tests.support.broker import Subscriber, wait_until

AGENT = "qa.faults.agent"
_WIDTH, _HEIGHT, _FPS = 384, 288, 8
_DECLARED = '[policy]\njurisdiction = "CH"\nsetting = "other"\nlegal_basis = "consent"\ndeclared_by = "the tests"\n'
_FAST = '[detector]\nkind = "haar"\n[summary]\nwindow_s = 1\n[smoothing]\nhold_s = 0.1\n[tracker]\nforget_s = 0.5\n'


def with_a_camera(stage: Stage) -> None:
    """Start an agent with a Pi's own camera, whose program shows a drawn class."""
    frames = stage.folder / "frames.yuv"
    frames.write_bytes(_frames())
    program = stage.folder / "bin" / "rpicam-vid"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {Path(rpicam_vid.__file__).resolve()} "$@"\n')
    program.chmod(0o755)
    stage.environment = {
        "PATH": str(program.parent),
        "STAND_IN_PID": str(stage.folder / "camera.pid"),
        "STAND_IN_FRAMES": str(frames),
        "STAND_IN_SIGHT": str(_sight(stage)),
    }
    _show(stage, "")
    camera = f'[camera]\nsource = "csi"\nwidth_px = {_WIDTH}\nheight_px = {_HEIGHT}\nfps = {_FPS}\nstall_s = 1\n'
    stage.start(AGENT, camera + _DECLARED + _FAST)
    stage.wait_for_events(5)


def gone_and_back(stage: Stage) -> None:
    """The camera ends, hangs or is not even found any more, and is back after a while."""
    for trouble in stage.draw.sample(("gone", "hung", "unplugged"), stage.draw.randint(1, 2)):
        program, away = stage.folder / "bin" / "rpicam-vid", stage.folder / "bin" / "away"
        pid = _camera_pid(stage)
        if trouble == "unplugged":
            program.rename(away)
        os.kill(pid, signal.SIGSTOP if trouble == "hung" else signal.SIGKILL)
        stage.pause(0.1, 1.5)
        if trouble == "unplugged":
            away.rename(program)
        wait_until(lambda before=pid: _camera_pid(stage) not in (0, before), 60.0, "a new camera")  # type: ignore[misc]
        stage.wait_for_events(3)


def blind_and_back(stage: Stage) -> None:
    """The camera delivers black pictures, or one and the same, until ``health`` says so; then it sees again."""
    with Subscriber(stage.broker.port, topics=("+/v1/+/+/health",)) as subscriber:
        for trouble in stage.draw.sample(("frozen", "dark"), stage.draw.randint(1, 2)):
            _show(stage, trouble)
            for state in (trouble, "ok"):
                wait_until(lambda wanted=state: _told_state(subscriber) == wanted, 60.0, f"a camera that is {state}")  # type: ignore[misc]
                stage.pause(0.0, 1.0)
                _show(stage, "")
            stage.wait_for_events(3)


def with_a_model(stage: Stage) -> None:
    """Start an agent with a model file of its own."""
    shutil.copy(BUNDLED_MODEL, stage.folder / "model.tflite")
    _start_with_model(stage)
    stage.wait_for_events(5)


def model_truncated(stage: Stage) -> None:
    """The model file is cut off, as by a copy that broke; the agent refuses it and works again once it is whole."""
    stage.line.shut()
    stage.wait_for_events(stage.draw.randint(1, 5))
    stage.terminate()
    file = stage.folder / "model.tflite"
    with file.open("r+b") as handle:
        handle.truncate(stage.draw.randrange(file.stat().st_size))
    stage.line.reopen()
    _start_with_model(stage)
    code = stage.wait_for_end()
    last = stage.log().splitlines()[-1]
    if code != 5 or not last.startswith("error: ") or "Traceback" in stage.log():
        pytest.fail(f"with a truncated model the agent ended with code {code}: {stage.log()[-2000:]}")
    shutil.copy(BUNDLED_MODEL, file)
    _start_with_model(stage)


def _start_with_model(stage: Stage) -> None:
    camera = f'[camera]\nsource = "simulated"\nfaces = 4\nwidth_px = {_WIDTH}\nheight_px = {_HEIGHT}\nfps = {_FPS}\n'
    stage.start(AGENT, f'{camera}{_FAST}[classifier]\nmodel = "{stage.folder / "model.tflite"}"\n')


def _camera_pid(stage: Stage) -> int:
    return int((stage.folder / "camera.pid").read_text() or 0)


def _sight(stage: Stage) -> Path:
    return stage.folder / "sight"


def _show(stage: Stage, sight: str) -> None:
    """Let the camera's program show its frames as they are (empty), ``frozen`` or ``dark``."""
    beside = _sight(stage).with_suffix(".new")
    beside.write_text(sight)
    beside.replace(_sight(stage))


def _told_state(subscriber: Subscriber) -> str:
    """How the camera is by the report that came last."""
    reports = subscriber.on("health")
    return str(json.loads(reports[-1].payload)["camera"]["state"]) if reports else ""


@cache
def _frames() -> bytes:
    """Some seconds of a lesson as the camera's program writes them: planar YUV 4:2:0."""
    scene = SimulatedClassroom(4, _WIDTH, _HEIGHT, seed=3)
    shown = [cv2.cvtColor(scene.render(t), cv2.COLOR_BGR2YUV_I420) for t in np.arange(0.0, 20.0, 0.5)]
    return b"".join(frame.tobytes() for frame in shown)
