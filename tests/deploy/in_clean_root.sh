#!/bin/bash
# The installer's whole walk in a fresh Debian: install, again, upgrade, interrupted upgrade, version that fails its own
# checks, going back, without a network, uninstall. Needs root, debootstrap, a network and about 3 GB; takes some minutes.
#
#   sudo tests/deploy/in_clean_root.sh [bookworm|trixie]
#
# CLEAN_ROOT_BASE names a debootstrapped folder to start from instead of making one; it is copied, not changed.
# CLEAN_ROOT_MODEL names a model bundle to install where the checkout has none.
# What a chroot cannot show: systemd starting the service, and a camera.
set -euo pipefail

SUITE=${1:-bookworm}
case $SUITE in bookworm) PYTHON=3.11 ;; trixie) PYTHON=3.13 ;; *) echo "usage: $0 [bookworm|trixie]" >&2 && exit 2 ;; esac
CHECKOUT=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" -eq 0 ] || { echo "error: a chroot needs root" >&2 && exit 1; }

WORK=$(mktemp -d -p "${CLEAN_ROOT_TMP:-/var/tmp}" clean-root.XXXXXX)
ROOT=$WORK/root
clean_up() {
    for mounted in "$ROOT/proc" "$ROOT/dev"; do
        if mountpoint -q "$mounted"; then umount "$mounted"; fi
    done
    # Never through a mount that stayed.
    rm -rf --one-file-system -- "$WORK"
}
trap clean_up EXIT

if [ -n "${CLEAN_ROOT_BASE:-}" ]; then
    cp -a -- "$CLEAN_ROOT_BASE" "$ROOT"
else
    # shellcheck disable=SC2016 # apt fills that in
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null | head -n 1)
    debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$ROOT" ${mirror:+"$mirror"} >"$WORK/debootstrap.log" ||
        { tail "$WORK/debootstrap.log" && exit 1; }
fi
# The new root reaches packages the way this machine does.
cp /etc/resolv.conf /etc/hosts "$ROOT/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$ROOT/etc/ssl/certs/"
for file in /etc/apt/apt.conf.d/*; do
    if grep -qi acquire "$file" && ! grep -qi dpkg "$file"; then cp "$file" "$ROOT/etc/apt/apt.conf.d/"; fi
done
if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$ROOT/etc/pip.conf"; fi
mount -t proc proc "$ROOT/proc"
mount --bind /dev "$ROOT/dev"

path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
inside() { chroot "$ROOT" env -i PATH="$path" LANG=C.UTF-8 "$@"; }
checkout_as() { # NAME VERSION
    mkdir -p "$ROOT/src/$1"
    tar -c --exclude=__pycache__ -C "$CHECKOUT" pyproject.toml README.md LICENSE edge_agent fleet deploy | tar -x --no-same-owner -C "$ROOT/src/$1"
    sed -i "s/^__version__ = .*/__version__ = \"$2\"/" "$ROOT/src/$1/edge_agent/__init__.py"
    if [ ! -e "$ROOT/src/$1/edge_agent/models/expression.tflite" ] && [ -n "${CLEAN_ROOT_MODEL:-}" ]; then
        cp "$CLEAN_ROOT_MODEL" "$ROOT/src/$1/edge_agent/models/expression.tflite"
    fi
}
kill_inside() { # the chroot's processes, to the last
    local pid left=yes
    while [ -n "$left" ]; do
        left=''
        for pid in /proc/[0-9]*; do
            if [ "$(readlink "$pid/root" 2>/dev/null)" = "$ROOT" ]; then
                left=yes
                kill -KILL "${pid#/proc/}" 2>/dev/null || true
            fi
        done
    done
}
current() { basename "$(readlink "$ROOT/opt/edge-agent/current")"; }
walk=0
begin() { walk=$((walk + 1)) && printf '\n[%d] %s\n' "$walk" "$*"; }
must() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then
        echo "    ok: $what"
    else
        echo "    NOT SO: $what. The command said:"
        tail -n 30 "$log" | sed 's/^/    | /'
        exit 1
    fi
}
log=$WORK/log
installer() { inside "$@" >"$log" 2>&1; }
refused() { if installer "$@"; then false; fi; }
unconnected() { unshare --net chroot "$ROOT" env -i PATH="$path" PIP_CONFIG_FILE=/dev/null "$@" >"$log" 2>&1; }
says() { grep -qF -- "$1" "$log"; }
# A fresh device is refused its camera for want of a declaration, and for nothing else.
works() { case $(inside edge-agent check /etc/edge-agent/agent.toml 2>&1) in *'policy: got no jurisdiction'*) ;; *) false ;; esac; }
folders() { find "$ROOT/opt/edge-agent" -mindepth 1 -maxdepth 1 -type d | wc -l; }
state() { (cd "$ROOT" && find etc/edge-agent var/lib/edge-agent -type f -exec sha256sum {} + | sort); }

checkout_as one 0.1.0
checkout_as two 0.2.0
sed -i 's/^Description=.*/Description=The second/' "$ROOT/src/two/deploy/systemd/edge-agent.service"
checkout_as broken 0.3.0
rm -f "$ROOT/src/broken/edge_agent/models/expression.tflite"

begin "a folder that is no wheelhouse"
must "it is refused" refused /src/one/deploy/install.sh --offline /src
must "and says what to do" says "make-wheelhouse.sh"

begin "a person of the service's name"
must "there is one" inside useradd --create-home edge-agent
must "the installer leaves that account alone" refused /src/one/deploy/install.sh
must "and says what to do" says "usermod --login"
inside userdel --remove edge-agent 2>/dev/null

begin "first installation, by somebody with a strict umask, a poor path and Python's own variables"
inside apt-get update -qq >"$log" 2>&1 || { tail "$log" && exit 1; }
SECONDS=0
# shellcheck disable=SC2016 # for the shell inside
must "it succeeds" installer PATH=/usr/bin:/bin PYTHONPATH=/src PIP_USER=1 sh -c 'umask 077 && exec "$0"' /src/one/deploy/install.sh
echo "    took $SECONDS s; $(du -sm "$ROOT/opt/edge-agent" | cut -f 1) MB"
sed 's/^/    | /' "$log"
must "the current version is 0.1.0" test "$(current | cut -d- -f1)" = 0.1.0
must "the command works" works
must "the settings ask for summaries alone" grep -q '^level = "summary"' "$ROOT/etc/edge-agent/agent.toml"
must "the device is called after the host" grep -q "^id = \"$(hostname)\"" "$ROOT/etc/edge-agent/agent.toml"
must "the user exists, in the group video" inside sh -c 'id -nG edge-agent | grep -qw video'
must "the user cannot log in" inside sh -c 'getent passwd edge-agent | grep -q nologin'
must "the user may not change the program or the settings" inside runuser -u edge-agent -- sh -c \
    'test ! -w /opt/edge-agent/current/bin && test ! -w /etc/edge-agent/agent.toml && test -r /etc/edge-agent/agent.toml'
must "others may not read settings or state" test "$(stat -c %a "$ROOT/etc/edge-agent" "$ROOT/var/lib/edge-agent" | tr '\n' ' ')" = '750 750 '
must "the service is installed" test -e "$ROOT/etc/systemd/system/edge-agent.service"
must "no TensorFlow came along" test ! -e "$ROOT/opt/edge-agent/current/lib/python$PYTHON/site-packages/tensorflow"

begin "the same again, over changed settings, stored events and an enrolment"
sed -i 's/^room = ""/room = "2b"/' "$ROOT/etc/edge-agent/agent.toml"
mkdir "$ROOT/var/lib/edge-agent/tls"
echo event >"$ROOT/var/lib/edge-agent/outbox.db" && echo key >"$ROOT/var/lib/edge-agent/tls/device.key"
before=$(state) was=$(current)
SECONDS=0
must "it succeeds" installer /src/one/deploy/install.sh
echo "    took $SECONDS s"
must "it says that there is nothing to build" says "is installed already"
must "settings, events and enrolment are as they were" test "$(state)" = "$before"
must "the version is the same" test "$(current)" = "$was"

begin "an upgrade cut off while it builds (SIGKILL, as a power cut)"
chroot "$ROOT" /src/two/deploy/install.sh >"$log" 2>&1 &
pid=$!
for _ in $(seq 300); do
    if compgen -G "$ROOT/opt/edge-agent/0.2.0-*/lib/python*/site-packages/numpy" >/dev/null; then break; fi
    sleep 0.2
done
must "it was under way" test -n "$(compgen -G "$ROOT/opt/edge-agent/0.2.0-*")"
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
kill_inside
must "the old version is in place" test "$(current)" = "$was"
must "and works" works

begin "an upgrade broken off by hand (SIGTERM)"
chroot "$ROOT" setsid /src/two/deploy/install.sh >"$log" 2>&1 &
for _ in $(seq 300); do
    if compgen -G "$ROOT/opt/edge-agent/0.2.0-*/lib/python*/site-packages/numpy" >/dev/null && grep -q "Clearing" "$log"; then break; fi
    sleep 0.2
done
must "it cleared away what the first left" says "left by an interrupted installation"
for pid in $(pgrep -f 'deploy/install.sh' || true); do
    if [ "$(readlink "/proc/$pid/root")" = "$ROOT" ]; then kill -TERM -- "-$(ps -o pgid= -p "$pid" | tr -d ' ')" 2>/dev/null || true; fi
done
wait || true
must "it leaves nothing half done behind" test "$(folders)" = 1
must "the old version works" works

begin "the upgrade, this time to its end"
must "it succeeds" installer /src/two/deploy/install.sh
must "the current version is 0.2.0" test "$(current | cut -d- -f1)" = 0.2.0
must "the service is its own" grep -q "The second" "$ROOT/etc/systemd/system/edge-agent.service"
must "settings, events and enrolment are as they were" test "$(state)" = "$before"
must "the version before is kept" test "$(basename "$(readlink "$ROOT/opt/edge-agent/previous")")" = "$was"
must "the command works" works
was=$(current)

begin "files that a power cut left half written"
so=$(find "$ROOT/opt/edge-agent/$was" -name '_multiarray_umath*.so' | head -n 1)
truncate --size 1000 "$so"
: >"$ROOT/etc/edge-agent/agent.toml"
must "it succeeds" installer /src/two/deploy/install.sh
must "it says so" says "is damaged and made anew"
must "the settings are those of a new device, not nothing" grep -q "^id = \"$(hostname)\"" "$ROOT/etc/edge-agent/agent.toml"
must "the command works" works
before=$(state)

begin "a version that fails its own checks"
must "it is refused" refused /src/broken/deploy/install.sh
must "it says so" says "does not pass its own checks"
grep FAIL "$log" | sed 's/^/    | /'
must "the version before is still the current one" test "$(current)" = "$was"
must "nothing of it is left" test "$(folders)" = 2
must "settings, events and enrolment are as they were" test "$(state)" = "$before"
must "the command works" works

begin "going back by hand"
must "it succeeds" installer /src/two/deploy/install.sh --rollback
must "the current version is 0.1.0" test "$(current | cut -d- -f1)" = 0.1.0
must "the service is its own" test -z "$(grep "The second" "$ROOT/etc/systemd/system/edge-agent.service")"
must "the command works" works

begin "a wheelhouse, and an installation from it without a network"
must "it is made" installer /src/two/deploy/make-wheelhouse.sh /house --arch "$(uname -m)" --python "$PYTHON"
sed 's/^/    | /' "$log"
wheelhouse=$(find "$ROOT/house" -name 'face_detection_yunet_*.onnx')
must "everything is removed first" installer /src/one/deploy/uninstall.sh --purge
must "no trace is left" test -z "$(find "$ROOT/opt" "$ROOT/etc" "$ROOT/var/lib" "$ROOT/usr/local" -name '*edge-agent*')"
must "nor of the user" refused getent passwd edge-agent
must "it installs" unconnected /house/install.sh --offline /house
must "the command works" works
if [ -n "$wheelhouse" ]; then
    must "the face detector came along" cmp "$wheelhouse" "$ROOT/var/lib/edge-agent/$(basename "$wheelhouse")"
else
    must "it says what is missing" says "Faces are found by Haar"
fi

begin "removal where state lies on another disk"
mkdir "$ROOT/srv/disk" && echo other >"$ROOT/srv/disk/other" && mv "$ROOT/var/lib/edge-agent" "$ROOT/srv/disk/state"
ln -s /srv/disk/state "$ROOT/var/lib/edge-agent"
must "it succeeds" installer /house/uninstall.sh --purge
must "it says what it left there" says "/srv/disk/state"
must "and took nothing of what is not its own" test -e "$ROOT/srv/disk/other"
must "it installs again" unconnected /house/install.sh --offline /house

begin "removal that keeps settings and state"
must "it succeeds" installer /house/uninstall.sh
sed 's/^/    | /' "$log"
must "settings and state are kept" test -e "$ROOT/etc/edge-agent/agent.toml" -a -d "$ROOT/var/lib/edge-agent"
must "the program is gone" test ! -e "$ROOT/opt/edge-agent" -a ! -e "$ROOT/usr/local/bin/edge-agent" -a ! -e "$ROOT/etc/systemd/system/edge-agent.service"

echo
echo "All of it holds in a fresh Debian $SUITE."
