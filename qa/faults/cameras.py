"""Faults of the camera and of the model file, for the whole agent."""

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
from qa.faults.rig import Rig
from tests.support import rpicam_vid
from tests.support.broker import Subscriber, wait_until

AGENT = "qa.faults.agent"
WIDTH, HEIGHT, _FPS = 384, 288, 8
DECLARED = '[policy]\njurisdiction = "CH"\nsetting = "other"\nlegal_basis = "consent"\ndeclared_by = "the tests"\n'
FAST = '[detector]\nkind = "haar"\n[summary]\nwindow_s = 1\n[smoothing]\nhold_s = 0.1\n[tracker]\nforget_s = 0.5\n'


def with_a_camera(rig: Rig) -> None:
    """Start an agent with a Raspberry Pi camera, whose program shows a simulated class."""
    frames = rig.folder / "frames.yuv"
    frames.write_bytes(_frames())
    program = rig.folder / "bin" / "rpicam-vid"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {Path(rpicam_vid.__file__).resolve()} "$@"\n')
    program.chmod(0o755)
    rig.environment = {
        "PATH": str(program.parent),
        "STAND_IN_PID": str(rig.folder / "camera.pid"),
        "STAND_IN_FRAMES": str(frames),
        "STAND_IN_SIGHT": str(_sight(rig)),
    }
    _show(rig, "")
    camera = f'[camera]\nsource = "csi"\nwidth_px = {WIDTH}\nheight_px = {HEIGHT}\nfps = {_FPS}\nstall_s = 1\n'
    rig.start(AGENT, camera + DECLARED + FAST)
    rig.wait_for_events(5)


def gone_and_back(rig: Rig) -> None:
    """The camera program ends, hangs or is no longer found, and works again after a while."""
    for trouble in rig.rng.sample(("gone", "hung", "unplugged"), rig.rng.randint(1, 2)):
        program, away = rig.folder / "bin" / "rpicam-vid", rig.folder / "bin" / "away"
        pid = _camera_pid(rig)
        if trouble == "unplugged":
            program.rename(away)
        os.kill(pid, signal.SIGSTOP if trouble == "hung" else signal.SIGKILL)
        rig.pause(0.1, 1.5)
        if trouble == "unplugged":
            away.rename(program)
        wait_until(lambda before=pid: _camera_pid(rig) not in (0, before), 60.0, "a new camera")  # type: ignore[misc]
        rig.wait_for_events(3)


def blind_and_back(rig: Rig) -> None:
    """The camera delivers black images, or always the same one, until ``health`` says so; then it works again."""
    with Subscriber(rig.broker.port, topics=("+/v1/+/+/health",)) as subscriber:
        for trouble in rig.rng.sample(("frozen", "dark"), rig.rng.randint(1, 2)):
            _show(rig, trouble)
            for state in (trouble, "ok"):
                wait_for_state(subscriber, state)
                rig.pause(0.0, 1.0)
                _show(rig, "")
            rig.wait_for_events(3)


def with_a_model(rig: Rig) -> None:
    """Start an agent with a model file of its own."""
    shutil.copy(BUNDLED_MODEL, rig.folder / "model.tflite")
    _start_with_model(rig)
    rig.wait_for_events(5)


def model_truncated(rig: Rig) -> None:
    """The model file is cut off, as by a broken copy; the agent refuses it and works again once it is complete."""
    rig.line.shut()
    rig.wait_for_events(rig.rng.randint(1, 5))
    rig.terminate()
    file = rig.folder / "model.tflite"
    with file.open("r+b") as handle:
        handle.truncate(rig.rng.randrange(file.stat().st_size))
    rig.line.reopen()
    _start_with_model(rig)
    code = rig.wait_for_end()
    last = rig.log().splitlines()[-1]
    if code != 5 or not last.startswith("error: ") or "Traceback" in rig.log():
        pytest.fail(f"with a truncated model the agent ended with code {code}: {rig.log()[-2000:]}")
    shutil.copy(BUNDLED_MODEL, file)
    _start_with_model(rig)


def _start_with_model(rig: Rig) -> None:
    camera = f'[camera]\nsource = "simulated"\nfaces = 4\nwidth_px = {WIDTH}\nheight_px = {HEIGHT}\nfps = {_FPS}\n'
    rig.start(AGENT, f'{camera}{FAST}[classifier]\nmodel = "{rig.folder / "model.tflite"}"\n')


def _camera_pid(rig: Rig) -> int:
    return int((rig.folder / "camera.pid").read_text() or 0)


def _sight(rig: Rig) -> Path:
    return rig.folder / "sight"


def _show(rig: Rig, sight: str) -> None:
    """Let the camera program show its frames as they are (empty), ``frozen`` or ``dark``."""
    new = _sight(rig).with_suffix(".new")
    new.write_text(sight)
    new.replace(_sight(rig))


def wait_for_state(subscriber: Subscriber, state: str) -> None:
    """Wait until ``health`` says so of the camera."""
    wait_until(lambda: _reported_state(subscriber) == state, 60.0, f"a camera that is {state}")


def _reported_state(subscriber: Subscriber) -> str:
    """The camera's state in the last report."""
    reports = subscriber.on("health")
    return str(json.loads(reports[-1].payload)["camera"]["state"]) if reports else ""


@cache
def _frames() -> bytes:
    """Some seconds of a lesson as the camera program writes them: planar YUV 4:2:0."""
    scene = SimulatedClassroom(4, WIDTH, HEIGHT, seed=3)
    shown = [cv2.cvtColor(scene.render(t), cv2.COLOR_BGR2YUV_I420) for t in np.arange(0.0, 20.0, 0.5)]
    return b"".join(frame.tobytes() for frame in shown)
