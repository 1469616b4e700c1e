#!/bin/sh
# Every check of the project, the same by hand and in continuous integration: lint, format, types, import contracts, tests.
set -eu
cd "$(dirname "$0")/.."
ruff check .
ruff format --check .
lint-imports
mypy
# A file stays with one worker: its tests may share a broker or a trained network.
python -m pytest --numprocesses 2 --dist loadfile "$@"
