"""Fuzz one reader, or all in turn: ``python -m qa.fuzz settings --seconds 3600``.

With the package atheris, which watches which code an input reaches. It is in the extra ``fuzz`` and exists for Linux on
x86-64 and Python 3.11 and later. With ``--with hypothesis``, Hypothesis changes good inputs word by word and line by
line. Exits with 1 where a reader has a fault. The log shows the input, or a file beside it has it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import logging
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from qa.argument_types import count
from qa.fuzz import CORPUS

if TYPE_CHECKING:
    from qa.fuzz.targets import Target

_ONE_INPUT_S, _MEMORY_MB = 10, 2048
_MAX_KEPT, _MAX_KEPT_BYTES = 12, 1500
_LOG_WIDTH = 200
_INSTRUMENTED = ("edge_agent", "fleet", "train", "dashboard", "icalendar", "recurring_ical_events")


def main() -> int:
    """Read the command line, and fuzz each reader in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m qa.fuzz", description=__doc__)
    parser.add_argument("target", help="a reader, 'all', or 'list'")
    parser.add_argument("--with", dest="fuzzer", choices=("atheris", "hypothesis"), default="atheris")
    parser.add_argument("--seconds", type=count, default=60, help="how long for each reader")
    parser.add_argument("--keep", action="store_true", help="keep a few small new inputs in the corpus")
    parser.add_argument("--input", type=Path, help="only read this file, and show what happens")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    needs_atheris = options.fuzzer == "atheris" and options.input is None and options.target != "list"
    if needs_atheris and importlib.util.find_spec("atheris") is None:
        sys.stderr.write("the package atheris is not installed: pip install 'classroom-edge-agent[fuzz]'\n")
        return 1
    if options.in_process and options.fuzzer == "atheris":
        _fuzz_with_atheris(options.target, options.seconds)
    if options.in_process:
        _fuzz_with_hypothesis(options.target, options.seconds)
        return 0
    targets: dict[str, Target] = importlib.import_module("qa.fuzz.targets").TARGETS
    if options.target == "list":
        sys.stdout.writelines(f"{name:14} {target.reads}\n" for name, target in targets.items())
        return 0
    if options.target != "all" and options.target not in targets:
        parser.error(f"{options.target}: expected all, list, or one of {', '.join(targets)}")
    if options.input is not None:
        targets[options.target].try_input(options.input.read_bytes())
        return 0
    names = list(targets) if options.target == "all" else [options.target]
    results = [_fuzz(name, options.fuzzer, options.seconds, keep=options.keep) for name in names]
    return 0 if all(results) else 1


def _fuzz(name: str, fuzzer: str, seconds: int, *, keep: bool) -> bool:
    """Fuzz a reader in another process; whether no fault was found."""
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    found, log = folder / "found", folder / "log"
    found.mkdir()
    began = time.monotonic()
    command = [sys.executable, "-m", "qa.fuzz", name, "--with", fuzzer, "--seconds", str(seconds), "--in-process"]
    with log.open("wb") as output:
        code = subprocess.run(command, cwd=folder, env=_environment(), stdout=output, stderr=output).returncode
    said = log.read_text(errors="replace").splitlines()
    done = next((line for line in reversed(said) if line.startswith("Done ")), "")
    took = f"{time.monotonic() - began:.0f} s"
    if code == 0:
        coverage = next((word for line in reversed(said) for word in line.split("cov: ")[1:]), "").split()[:1]
        reached = f", {coverage[0]} places reached" if coverage else ""
        sys.stdout.write(f"{name}: no fault in {took}, {done or 'no runs'}{reached}\n")
        if keep:
            _keep(name, found)
        sys.stdout.flush()
        shutil.rmtree(folder)
        return True
    sys.stdout.write(f"{name}: a fault after {took}; the input and the log are in {folder}\n")
    sys.stdout.writelines(f"    {line[:_LOG_WIDTH]}\n" for line in said[-25:])
    return False


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": f"{Path(__file__).parents[2]}:{os.environ.get('PYTHONPATH', '')}"}


def _keep(name: str, found: Path) -> None:
    """Keep the smallest of the inputs that reached new code."""
    target = CORPUS / name
    target.mkdir(parents=True, exist_ok=True)
    known = {path.read_bytes() for path in target.iterdir()}
    small = sorted((path for path in found.iterdir() if path.stat().st_size <= _MAX_KEPT_BYTES), key=lambda p: p.name)
    for path in small[:: max(1, len(small) // _MAX_KEPT)][: max(0, _MAX_KEPT - len(known))]:
        if path.read_bytes() not in known and b"PRIVATE" not in path.read_bytes():
            shutil.copy(path, target / path.name[:12])


def _fuzz_with_atheris(name: str, seconds: int) -> None:
    """Fuzz a reader in this process, in whose folder ``found`` takes the inputs; does not return."""
    import atheris

    with atheris.instrument_imports(include=list(_INSTRUMENTED)):
        target: Target = importlib.import_module("qa.fuzz.targets").TARGETS[name]
    logging.disable(logging.CRITICAL)
    begin = Path("begin")
    begin.mkdir()
    for number, seed in enumerate(target.seeds()):
        (begin / f"seed-{number}").write_bytes(seed)
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-timeout={_ONE_INPUT_S}",
        f"-rss_limit_mb={_MEMORY_MB}",
        f"-max_len={target.max_bytes}",
        "-artifact_prefix=fault-",
        "found",
        "begin",
        str(CORPUS / name),
    ]
    atheris.Setup(arguments, target.try_input)
    atheris.Fuzz()


def _fuzz_with_hypothesis(name: str, seconds: int) -> None:
    """Fuzz a reader in this process."""
    from qa.fuzz.examples import search_faults
    from qa.fuzz.targets import TARGETS

    logging.disable(logging.CRITICAL)
    tried = search_faults(TARGETS[name], seconds)
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if most_mb > _MEMORY_MB:
        raise MemoryError(f"one of the inputs took {most_mb} MB")
    sys.stdout.write(f"Done {tried} runs in {seconds} second(s)\n")


if __name__ == "__main__":
    sys.exit(main())
