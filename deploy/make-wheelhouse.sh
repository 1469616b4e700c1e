#!/bin/sh
# Make a folder from which an installer with --offline installs without a network: the agent's, or with --page the page's.
set -eu

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$HERE/common.sh"

usage() {
    cat <<END
Usage: deploy/make-wheelhouse.sh DIR [--page] [--arch aarch64|x86_64] [--python 3.10|3.11|3.12|3.13|3.14]

Fills DIR with the agent, all its dependencies and the installer, for one kind of device. The machine that runs this
needs a network and Python 3.10 or later with venv, and may be of another kind than the devices.

  --page    for the machine of the school's page, in place of a device
  --arch    the devices' processor (default: aarch64, every Raspberry Pi on a 64-bit system)
  --python  the devices' Python (default: 3.11, Debian 12 and Raspberry Pi OS Bookworm; 3.13 for Debian 13 and Trixie)

Then take DIR to the device and run there: sudo DIR/install.sh --offline DIR
With --page: sudo DIR/dashboard/install.sh --offline DIR
END
}

DIR='' ARCH=aarch64 VERSION=3.11 PAGE=''
while [ $# -gt 0 ]; do
    case $1 in
        --arch | --python)
            if [ $# -lt 2 ] || [ -z "$2" ]; then misused "$1: a value is missing"; fi
            if [ "$1" = --arch ]; then ARCH=$2; else VERSION=$2; fi
            shift 2
            ;;
        --page) PAGE=yes && shift ;;
        -h | --help) usage && exit 0 ;;
        -*) misused "$1: no such option" ;;
        *)
            [ -z "$DIR" ] || misused "one folder is expected, got '$DIR' and '$1'"
            DIR=$1
            shift
            ;;
    esac
done
[ -n "$DIR" ] || misused "the folder to fill is missing"
case $ARCH in aarch64 | x86_64) ;; *) misused "--arch $ARCH: expected aarch64 or x86_64" ;; esac
case $VERSION in 3.10 | 3.11 | 3.12 | 3.13 | 3.14) ;; *) misused "--python $VERSION: expected 3.10, 3.11, 3.12, 3.13 or 3.14" ;; esac
if [ -n "$PAGE" ] && [ "$VERSION" = 3.10 ]; then misused "--python 3.10: the page needs 3.11 or later"; fi
if [ -n "$PAGE" ]; then LOCK=dashboard/requirements.lock; else LOCK=requirements.lock; fi
if [ -d "$DIR" ] && [ -n "$(ls -A -- "$DIR")" ] && [ ! -e "$DIR/$LOCK" ]; then
    refuse "$DIR is not empty and no wheelhouse of this kind. Name a new folder."
fi

SOURCE=$(dirname -- "$HERE")
mkdir -p -- "$DIR"
DIR=$(CDPATH='' cd -- "$DIR" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf -- "$WORK"' EXIT
trap 'exit 130' INT TERM HUP
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

python3 -m venv "$WORK/venv"
python=$WORK/venv/bin/python

# pip judges the conditions in the lock ("; python_version < ...") by the Python that runs it, not by the devices'.
"$python" - "$VERSION" "$ARCH" "$HERE/$LOCK" >"$WORK/requirements.lock" <<'END'
import re
import sys

from pip._vendor.packaging.markers import Marker

version, arch, lock = sys.argv[1:]
device = {
    "python_version": version, "python_full_version": version + ".2", "platform_machine": arch,
    "sys_platform": "linux", "platform_system": "Linux", "os_name": "posix",
    "implementation_name": "cpython", "platform_python_implementation": "CPython",
}
lines = [line for line in open(lock, encoding="utf-8") if not line.startswith("#")]
for entry in re.split(r"(?m)^(?=\S)", "".join(lines))[1:]:
    head, _, hashes = entry.partition(" \\\n")
    pin, _, condition = head.partition(" ; ")
    if not condition or Marker(condition).evaluate(device):
        print(f"{pin} \\\n{hashes}", end="")
END

# The C libraries that Debian 12 (2.36) and anything later can run with, newest first.
set --
for minor in 36 35 34 33 32 31 30 29 28 27 26 25 24 23 22 21 20 19 18 17; do
    set -- "$@" --platform "manylinux_2_${minor}_$ARCH"
done
step "Fetching dependencies for $ARCH and Python $VERSION"
rm -f -- "$DIR"/*.whl
"$python" -m pip download --quiet --no-deps --require-hashes --only-binary :all: --dest "$DIR" \
    --implementation cp --python-version "$VERSION" "$@" --platform "manylinux2014_$ARCH" -r "$WORK/requirements.lock"

step "Building the agent"
mkdir "$WORK/source"
cp -R -- "$SOURCE/pyproject.toml" "$SOURCE/README.md" "$SOURCE/LICENSE" "$SOURCE/edge_agent" "$SOURCE/fleet" "$SOURCE/dashboard" "$WORK/source/"
"$python" -m pip install --quiet --require-hashes --only-binary :all: -r "$HERE/build.lock"
"$python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$DIR" "$WORK/source"

if [ -n "$PAGE" ]; then
    mkdir -p -- "$DIR/dashboard"
    cp -R -- "$HERE/common.sh" "$DIR/"
    cp -R -- "$HERE"/dashboard/* "$DIR/dashboard/"
    say "$DIR is ready ($(du -sm -- "$DIR" | cut -f1) MB). On the page's machine: sudo DIR/dashboard/install.sh --offline DIR"
    exit 0
fi

step "Fetching the face detector's weights, for at most a minute"
WITHOUT=''
PYTHONPATH=$SOURCE "$python" - "$DIR" <<'END' || WITHOUT=yes
import sys
from pathlib import Path

from edge_agent.errors import ModelError
from edge_agent.vision.weights import YUNET_FILE, fetch

try:
    fetch(Path(sys.argv[1]) / YUNET_FILE)
except ModelError as error:
    sys.exit(f"note: {error}")
END

cp -R -- "$HERE/requirements.lock" "$HERE/install.sh" "$HERE/uninstall.sh" "$HERE/common.sh" "$HERE/agent.example.toml" "$HERE/systemd" "$DIR/"
say "$DIR is ready ($(du -sm -- "$DIR" | cut -f1) MB). On the device: sudo DIR/install.sh --offline DIR"
if [ -n "$WITHOUT" ]; then
    warn "without YuNet's weights: devices find faces with Haar, which misses small and turned ones. Run this again with a network."
fi
