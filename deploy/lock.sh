#!/bin/sh
# Write deploy/requirements.lock, deploy/dashboard/requirements.lock and deploy/build.lock: exact versions with hashes,
# for Python 3.10 to 3.14 (the page: 3.11 to 3.14) on x86-64 and aarch64. Needs uv (pip install uv). Run it when
# dependencies change, and to take up their security fixes.
set -eu
cd "$(dirname "$0")/.."

oldest=3.10
lock() {
    from=$1 to=$2
    shift 2
    uv pip compile "$from" --output-file "$to" --upgrade --quiet --universal --python-version "$oldest" \
        --generate-hashes --only-binary :all: --no-annotate --custom-compile-command "deploy/lock.sh, for Python $oldest to 3.14" "$@"
    # A device takes packages from the index it is set up for, so that none may be named here.
    if grep -E '^(-i|--(extra-)?index-url|--find-links)|://' "$to"; then
        echo "error: $to names an index. Remove it from uv's configuration and run this again." >&2
        exit 1
    fi
}

# uv ignores upper bounds of Requires-Python: 1.3 of this one, which the inference runtime asks for, ends before 3.11.
limits=$(mktemp)
trap 'rm -f -- "$limits"' EXIT
echo 'backports-strenum<1.3' >"$limits"

lock pyproject.toml deploy/requirements.lock --extra device --extra fleet --constraints "$limits"
printf 'setuptools>=77\nwheel\n' | lock - deploy/build.lock
# The page takes SQLAlchemy 2.1, which needs Python 3.11. With an older Python its extra takes 2.0.
oldest=3.11
lock pyproject.toml deploy/dashboard/requirements.lock --extra dashboard --extra postgresql --extra fleet
