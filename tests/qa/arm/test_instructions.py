"""Counting instructions: the plugin without QEMU, the board's program on this machine, and the table."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.errors import InputError
from edge_agent.simulate import SimulatedClassroom
from qa.arm import counted_frames
from qa.arm.instructions import CountedFrame, compile_plugin, measure, parsed, summary

# Loads the plugin as QEMU does, and runs two blocks, of 3 and of 40 instructions, five times each.
EMULATOR = r"""
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct qemu_plugin_tb { size_t instructions; };
static void (*translated)(uint64_t, struct qemu_plugin_tb *);
static uint64_t *counts[2], steps[2];
static int blocks;

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*back)(uint64_t, struct qemu_plugin_tb *))
{ translated = back; }
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block) { return block->instructions; }
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int op, void *at, uint64_t by)
{ if (op == 0) { counts[blocks] = at; steps[blocks++] = by; } }

int main(int argc, char **argv)
{
    void *plugin = dlopen(argv[1], RTLD_NOW);
    if (plugin == NULL) { fputs(dlerror(), stderr); return 3; }
    if (*(int *)dlsym(plugin, "qemu_plugin_version") != 1) return 4;
    int (*install)(uint64_t, const void *, int, char **) = dlsym(plugin, "qemu_plugin_install");
    if (install(7, NULL, argc - 2, argv + 2) != 0) return 5;
    struct qemu_plugin_tb small = {3}, large = {40};
    translated(7, &small);
    translated(7, &large);
    for (int run = 0; run < 5; run++)
        for (int block = 0; block < blocks; block++)
            *counts[block] += steps[block];
    return 0;
}
"""


@pytest.fixture
def emulator(tmp_path: Path) -> list[str]:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    compile_plugin(tmp_path / "counter.so")
    (tmp_path / "emulator.c").write_text(EMULATOR)
    program = str(tmp_path / "emulator")
    subprocess.run(["cc", "-rdynamic", "-o", program, str(tmp_path / "emulator.c"), "-ldl"], check=True)
    return [program, str(tmp_path / "counter.so")]


def test_the_plugin_adds_the_instructions_of_each_block_that_is_run(tmp_path: Path, emulator: list[str]) -> None:
    count = tmp_path / "count"
    count.write_bytes(bytes(8))
    subprocess.run([*emulator, f"counter={count}"], check=True)
    assert counted_frames.Counter(count).read() == 5 * (3 + 40)


@pytest.mark.parametrize("options", [[], ["counts=x"], ["counter=x", "more=y"], ["counter=/nowhere/at/all"]], ids=str)
def test_the_plugin_refuses_other_options_and_files_that_are_not_there(emulator: list[str], options: list[str]) -> None:
    done = subprocess.run([*emulator, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "counter" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_machine_without_a_compiler_is_told_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"no C compiler .*gcc and libc6-dev"):
        compile_plugin(tmp_path / "counter.so")


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'counter.c:13:10: fatal error: fcntl.h: No such file' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"counter\.c cannot be compiled: .*fcntl\.h: No such file.*libc6-dev"):
        compile_plugin(tmp_path / "counter.so")


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.onnx: no such file.*--weights"):
        measure(tmp_path / "none.onnx", 1, 1, 1)


@pytest.mark.parametrize("options", [[], ["--every-frame"]], ids=str)
def test_the_boards_program_says_how_each_frame_was_searched(
    tmp_path: Path, data_dir: Path, options: list[str]
) -> None:
    weights = data_dir / "detector" / "face_detection_yunet_2023mar.onnx"
    if not weights.is_file():
        pytest.skip("no YuNet")
    count = tmp_path / "count"
    count.write_bytes((1000).to_bytes(8, "little"))
    scene = SimulatedClassroom(3, 640, 360, 7)
    frames = b"".join(scene.render(2.0 + number / 10).tobytes() for number in range(6))
    command = [sys.executable, counted_frames.__file__, str(count), str(weights), "640", "360", "10", *options]
    done = subprocess.run(command, input=frames, capture_output=True, check=True)
    found = parsed(done.stdout.decode().splitlines())
    assert [frame.kind for frame in found[:3]] == ["whole"] * 3
    assert [frame.kind == "whole" for frame in found[3:]] == [bool(options)] * 3
    assert {frame.searched == (0, 0) for frame in found} == ({False} if options else {True, False})
    assert {frame.taken for frame in found} == {0}  # nothing counts here
    assert found[-1].faces >= 2


def test_the_table_compares_frames_searched_when_needed_with_frames_searched_whole() -> None:
    def frame(kind: str, taken: int, searched: tuple[int, int], search_taken: int) -> CountedFrame:
        return CountedFrame(kind, taken * 10**6, searched, search_taken * 10**6, 24)

    whole = [frame("whole", 420, (853, 480), 300)] * 3
    needed = [frame("none", 110, (0, 0), 0), frame("regions", 190, (320, 320), 80), frame("none", 120, (0, 0), 0)]
    lines = summary(needed, whole)
    table = {" ".join(line.split()[:-1]): line.split()[-1] for line in lines[1:-2]}
    assert table == {
        "a search of 320x320 pixels, median of 1": "80.0",
        "a search of 853x480 pixels, median of 3": "300.0",
        "a frame in which faces are followed only, median of 2": "115.0",
        "a frame searched by regions, median of 1": "190.0",
        "a frame where every frame is searched whole, mean of 3": "420.0",
        "a frame searched when needed, mean of 3 (0 whole, 1 regions, 2 none)": "140.0",
        "of which searching, every frame whole": "300.0",
        "of which searching, when needed": "26.7",
    }
    assert lines[-2:] == [
        "3.0 times as many where every frame is searched whole",
        "people known in a frame: 24.0 where every frame is searched whole, else 24.0",
    ]


def test_a_line_of_the_boards_program_is_read() -> None:
    line = {"kind": "whole", "taken": 5, "searched": [853, 480], "search_taken": 3, "faces": 2}
    assert parsed([json.dumps(line)]) == [CountedFrame("whole", 5, (853, 480), 3, 2)]
