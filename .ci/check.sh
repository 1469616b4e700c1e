#!/bin/sh
# Every check of the project, the same by hand and in continuous integration: lint, format, types, import contracts, tests.
set -eu
cd "$(dirname "$0")/.."
ruff check .
ruff format --check .
lint-imports
mypy
python -m pytest "$@"
