#!/bin/sh
# Install or upgrade the classroom edge agent on Raspberry Pi OS or Debian, 64-bit.
set -eu

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$HERE/common.sh"
OS_RELEASE=${EDGE_AGENT_OS_RELEASE:-/etc/os-release}
NEEDED_MB=900

usage() {
    cat <<END
Usage: sudo deploy/install.sh [--offline DIR] [--python PROGRAM] [--check | --rollback]

Installs the agent, or upgrades it and keeps configuration, stored events and enrolment.

  --offline DIR     take everything from DIR, made by deploy/make-wheelhouse.sh, and nothing from the network
  --python PROGRAM  the Python to build on, 3.10 to 3.14 (default: the system's python3)
  --check           only say whether this machine is suitable
  --rollback        go back to the version that ran before the last upgrade
END
}

# ---- what is asked for ----------------------------------------------------------------------------------------------

OFFLINE='' PYTHON='' ACTION=install
while [ $# -gt 0 ]; do
    case $1 in
        --offline | --python)
            if [ $# -lt 2 ] || [ -z "$2" ]; then misused "$1: a value is missing"; fi
            if [ "$1" = --offline ]; then OFFLINE=$2; else PYTHON=$2; fi
            shift 2
            ;;
        --check) ACTION=check && shift ;;
        --rollback) ACTION=rollback && shift ;;
        -h | --help) usage && exit 0 ;;
        *) misused "$1: no such option" ;;
    esac
done

SOURCE=$(dirname -- "$HERE")
if [ -n "$OFFLINE" ]; then
    [ -d "$OFFLINE" ] || refuse "--offline $OFFLINE: no such folder. Make it on another machine with deploy/make-wheelhouse.sh."
    OFFLINE=$(CDPATH='' cd -- "$OFFLINE" && pwd)
fi

# ---- is this machine suitable? --------------------------------------------------------------------------------------

check_system() {
    os_ids=$(sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' "$OS_RELEASE" 2>/dev/null | tr -d '"' | tr '\n' ' ')
    case " $os_ids" in
        *" debian "* | *" raspbian "*) ;;
        *) refuse "this system is '${os_ids:-unknown}', not Debian or one of its kin. Use Raspberry Pi OS or Debian, 64-bit, or set the agent up by hand: docs/deploy.md." ;;
    esac
    machine=$(uname -m)
    if command -v dpkg >/dev/null; then userland=$(dpkg --print-architecture); else userland=''; fi
    case $machine:$userland in
        x86_64:amd64 | aarch64:arm64) ;;
        arm*:* | aarch64:armhf | aarch64:armel)
            refuse "this is a 32-bit ARM system ($machine, ${userland:-unknown}), for which there is no inference runtime. Write the 64-bit Raspberry Pi OS to the card; every Pi from the 3 and Zero 2 on runs it."
            ;;
        *) refuse "this machine is $machine with ${userland:-unknown} software. The agent runs on 64-bit ARM and on x86-64." ;;
    esac
}

check_python() {
    if [ -z "$PYTHON" ]; then
        # The system's own, whatever environment the installing person has active.
        if [ -x /usr/bin/python3 ]; then PYTHON=/usr/bin/python3; else PYTHON=python3; fi
    fi
    if ! command -v "$PYTHON" >/dev/null; then
        [ "$PYTHON" = python3 ] || refuse "--python $PYTHON: no such program."
        PYTHON='' # apt will bring it
        return
    fi
    python_version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.prefix, sys.base_prefix)') ||
        refuse "$PYTHON does not run. Name a working one with --python."
    python_home=${python_version#* }
    python_version=${python_version%% *}
    case $python_version in
        3.10 | 3.11 | 3.12 | 3.13 | 3.14) ;;
        2.* | 3.[0-9]) refuse "Python $python_version is too old; 3.10 to 3.14 will do. Upgrade to Raspberry Pi OS or Debian 12 or later, or name another Python with --python." ;;
        *) refuse "Python $python_version is too new: not all dependencies have been built for it; 3.10 to 3.14 will do. Name another Python with --python." ;;
    esac
    case " $python_home" in
        *" /home/"* | *" /root/"* | *" /run/user/"* | *" /tmp/"* | *" /var/tmp/"*)
            refuse "$PYTHON lies in ${python_home%% *}, which the service cannot see: homes and temporary folders are out of its sight. Name a Python of the system with --python, or one in /usr/local or /opt."
            ;;
    esac
}

check_space() {
    folder=$PREFIX
    while [ ! -d "$folder" ]; do folder=$(dirname -- "$folder"); done
    free_mb=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
    [ "$free_mb" -ge "$NEEDED_MB" ] ||
        refuse "$folder has $free_mb MB free, $NEEDED_MB MB are needed (most of it only while installing). Make room: sudo apt-get clean; or use a larger card."
}

check_account() {
    found=$(getent passwd "$ACCOUNT") || found=''
    if [ -n "$found" ] && [ "$(echo "$found" | cut -d: -f6)" != "$STATE_DIR" ]; then
        refuse "there is a user $ACCOUNT on this machine who is not the agent's: home $(echo "$found" | cut -d: -f6). The service needs this name for itself. Give that user another one: sudo usermod --login NAME $ACCOUNT."
    fi
    members=$(getent group "$ACCOUNT" | cut -d: -f4) || members=''
    if [ -z "$found" ] && [ -n "$members" ]; then
        refuse "there is a group $ACCOUNT on this machine with the members $members, who could read the agent's settings and stored events. Give it another name: sudo groupmod --new-name NAME $ACCOUNT."
    fi
}

check_writable() {
    for folder in "$PREFIX" "$CONFIG_DIR" "$STATE_DIR" "$UNIT_DIR" "$COMMAND" /etc/passwd; do
        while [ ! -e "$folder" ]; do folder=$(dirname -- "$folder"); done
        [ -w "$folder" ] || refuse "$folder cannot be written, not even by root: the disk is read-only. On a Raspberry Pi turn the overlay file system off (sudo raspi-config, Performance Options) and install then; a damaged card is read-only, too."
    done
}

check_offline() {
    [ -n "$OFFLINE" ] || return 0
    set -- "$OFFLINE"/classroom_edge_agent-*.whl
    if [ ! -f "$1" ] || [ ! -f "$OFFLINE/requirements.lock" ]; then
        refuse "$OFFLINE is no wheelhouse of this agent. Make one on another machine with deploy/make-wheelhouse.sh."
    fi
    [ $# -eq 1 ] || refuse "$OFFLINE holds $# versions of the agent. Make a fresh one with deploy/make-wheelhouse.sh."
    AGENT_WHEEL=$1
}

look_for_camera() {
    for device in /dev/video* /dev/media*; do
        [ -e "$device" ] && return 0
    done
    warn "no camera found. The agent can be installed without one. USB: plug it in and look at 'lsusb'. Ribbon cable: power off, check both ends, and see 'rpicam-hello --list-cameras'. Network camera: nothing to do."
}

check_system
check_python
check_space
check_account
check_offline
look_for_camera
if [ "$ACTION" = check ]; then
    say "This machine is suitable."
    exit 0
fi
[ "$(id -u)" -eq 0 ] || refuse "installing needs root. Run it with sudo."
check_writable

# ---- switching versions ---------------------------------------------------------------------------------------------

target_of() { if [ -L "$PREFIX/$1" ]; then basename -- "$(readlink -- "$PREFIX/$1")"; fi; }

# A symbolic link is replaced by renaming another over it: at every moment it names a whole version.
point() {
    ln -sfn -- "$2" "$PREFIX/.$1.new"
    mv -fT -- "$PREFIX/.$1.new" "$PREFIX/$1"
}

systemd_runs() { [ -d /run/systemd/system ]; }
service_was_active() { systemd_runs && systemctl is-active --quiet "$SERVICE"; }
as_agent() { (cd "$STATE_DIR" && runuser -u "$ACCOUNT" -- env -i PATH="$PATH" HOME="$STATE_DIR" LANG=C.UTF-8 "$@"); }

# On the disk, so that a power cut leaves whole files or none: a mark must not outlive what it vouches for.
on_disk() { sync -f -- "$@"; }
# The mark of a version names every file of it with its sha256; after a power cut or on a worn card not all may be so.
mark_complete() {
    (cd "$PREFIX/$1" && find . -type f ! -name .complete -exec sha256sum {} + >"$WORK/complete")
    on_disk "$PREFIX/$1"
    install -m 644 "$WORK/complete" "$PREFIX/$1/.complete.new"
    on_disk "$PREFIX/$1/.complete.new"
    mv -fT -- "$PREFIX/$1/.complete.new" "$PREFIX/$1/.complete"
}
is_whole() { (cd "$PREFIX/$1" && sha256sum --check --strict --status .complete) 2>/dev/null; }

install_unit() {
    unit=$PREFIX/current/systemd # with a version that is gone back to, its own; from before there were such, the present one
    [ -d "$unit" ] || return 0
    install -d -m 755 "$UNIT_DIR"
    install -m 644 "$unit/edge-agent.service" "$UNIT_DIR/edge-agent.service"
    systemd_version=$( (systemctl --version 2>/dev/null || true) | awk 'NR == 1 { print $2 }')
    if [ "${systemd_version:-0}" -ge 254 ]; then
        install -d -m 755 "$UNIT_DIR/edge-agent.service.d"
        install -m 644 "$unit/10-backoff.conf" "$UNIT_DIR/edge-agent.service.d/10-backoff.conf"
    fi
    install -d -m 755 "$(dirname -- "$COMMAND")"
    ln -sfn -- "$PREFIX/current/bin/edge-agent" "$COMMAND"
    if systemd_runs; then systemctl daemon-reload; fi
}

# Returns once the agent has said that it is ready (Type=notify), or fails.
restart_service() { systemctl restart "$SERVICE"; }

roll_back() {
    current=$(target_of current) previous=$(target_of previous)
    if [ -z "$previous" ] || [ ! -d "$PREFIX/$previous" ]; then
        refuse "there is no earlier version to go back to in $PREFIX."
    fi
    point current "$previous"
    point previous "$current"
    install_unit
    if systemd_runs && { [ -n "${WAS_ACTIVE:-}" ] || systemctl is-enabled --quiet "$SERVICE"; }; then restart_service; fi
    say "Went back from $current to $previous."
}

if [ "$ACTION" = rollback ]; then
    roll_back
    exit 0
fi

# ---- build the new version beside the old one -----------------------------------------------------------------------

install -d -m 755 "$PREFIX"
# One installation at a time; what an interrupted one left is cleared away by the next.
exec 9>"$PREFIX/.lock"
flock -n 9 || refuse "another installation is running."
WORK=$PREFIX/.work
NEW='' FINISHED=''
clean_up() {
    rm -rf -- "$WORK"
    if [ -z "$FINISHED" ] && [ -n "$NEW" ] && [ "$NEW" != "$(target_of current)" ]; then rm -rf -- "${PREFIX:?}/$NEW"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
rm -rf -- "$WORK"
install -d -m 700 "$WORK"
# Wheels are unpacked here: /tmp is often too small, a RAM disk on some systems.
TMPDIR=$WORK
export TMPDIR PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONDONTWRITEBYTECODE=1

if [ -z "$PYTHON" ] || ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    remedy="Install it: sudo apt-get install python3 python3-venv"
    if [ -n "$PYTHON" ] && [ "$PYTHON" != /usr/bin/python3 ] && [ "$PYTHON" != python3 ]; then
        refuse "$PYTHON has no 'venv' and 'ensurepip' modules. Name one that has them with --python."
    fi
    [ -z "$OFFLINE" ] || refuse "Python's venv module is missing, and --offline installs nothing with apt. $remedy"
    step "Installing python3-venv with apt"
    DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$WORK/apt.log" 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3 python3-venv \
        >>"$WORK/apt.log" 2>&1 || {
        tail -n 5 "$WORK/apt.log" >&2
        refuse "python3-venv could not be installed. $remedy"
    }
    touch "$PREFIX/.brought-python"
    PYTHON=''
    check_python
fi

if [ -n "$OFFLINE" ]; then
    LOCK=$OFFLINE/requirements.lock
    fingerprint() { sha256sum -- "$AGENT_WHEEL" "$LOCK"; }
    VERSION=$(basename -- "$AGENT_WHEEL" | cut -d- -f2)
else
    LOCK=$HERE/requirements.lock
    fingerprint() { (cd "$SOURCE" && find edge_agent fleet dashboard pyproject.toml deploy/requirements.lock deploy/build.lock -type f \
        ! -name '*.pyc' -exec sha256sum {} + | sort -k 2); }
    VERSION=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$SOURCE/edge_agent/__init__.py")
fi
# Another Python, other sources or other dependencies make another folder, so that a running version is never touched.
NEW=$VERSION-$( (fingerprint && "$PYTHON" -VV) | sed 's# .*/# #' | sha256sum | cut -c 1-8)
OLD=$(target_of current)

for folder in "$PREFIX"/*/; do
    name=$(basename -- "$folder")
    if [ -d "$folder" ] && [ ! -e "$folder/.complete" ] && [ "$name" != "$OLD" ] && [ ! -L "${folder%/}" ]; then
        step "Clearing away $name, left by an interrupted installation"
        rm -rf -- "$folder"
    fi
done

pip_install() { # VENV ARGUMENTS...
    venv=$1
    shift
    if [ -n "$OFFLINE" ]; then set -- --no-index --find-links "$OFFLINE" "$@"; fi
    "$venv/bin/python" -m pip install --quiet --no-cache-dir --only-binary :all: "$@"
}

if is_whole "$NEW"; then
    step "$NEW is installed already"
else
    if [ -e "$PREFIX/$NEW" ]; then
        step "$NEW is damaged and made anew"
        rm -rf -- "${PREFIX:?}/$NEW"
        if [ "$NEW" = "$OLD" ]; then OLD=''; fi
    fi
    step "Installing $NEW (Python $python_version) into $PREFIX/$NEW"
    "$PYTHON" -m venv "$PREFIX/$NEW"
    if [ -z "$OFFLINE" ]; then
        install -d "$WORK/source"
        cp -R -- "$SOURCE/pyproject.toml" "$SOURCE/README.md" "$SOURCE/LICENSE" "$SOURCE/edge_agent" "$SOURCE/fleet" "$SOURCE/dashboard" "$WORK/source/"
        pip_install "$PREFIX/$NEW" --no-compile --target "$WORK/build" --require-hashes -r "$HERE/build.lock"
        PYTHONPATH=$WORK/build "$PREFIX/$NEW/bin/python" -m pip wheel --quiet --no-cache-dir --no-deps --no-build-isolation \
            --wheel-dir "$WORK" "$WORK/source"
        AGENT_WHEEL=$(echo "$WORK"/classroom_edge_agent-*.whl)
    fi
    pip_install "$PREFIX/$NEW" --require-hashes --no-deps -r "$LOCK"
    pip_install "$PREFIX/$NEW" --no-deps "$AGENT_WHEEL"
    "$PREFIX/$NEW/bin/python" -m pip check --quiet || refuse "the installed packages do not fit together (above)."
fi

# ---- account, configuration, state ----------------------------------------------------------------------------------

if ! getent passwd "$ACCOUNT" >/dev/null; then
    step "Creating the system user $ACCOUNT"
    if getent group "$ACCOUNT" >/dev/null; then set -- --gid "$ACCOUNT"; else set -- --user-group; fi
    useradd --system "$@" --home-dir "$STATE_DIR" --no-create-home --shell /usr/sbin/nologin "$ACCOUNT"
fi
if getent group video >/dev/null; then usermod --append --groups video "$ACCOUNT"; fi
install -d -m 750 -o "$ACCOUNT" -g "$ACCOUNT" "$STATE_DIR"
install -d -m 750 -o root -g "$ACCOUNT" "$CONFIG_DIR"
CONFIG=$CONFIG_DIR/agent.toml
FIRST=''
if [ ! -s "$CONFIG" ]; then # missing, or all that a power cut left of it
    FIRST=yes
    # Devices need different ids; host names are such.
    id=$(hostname 2>/dev/null | tr -c 'A-Za-z0-9_.\n-' '-' | sed 's/^[^A-Za-z0-9]*//' | cut -c 1-64)
    sed "s/^id = \"edge-1\" */id = \"${id:-edge-1}\"  /" "$HERE/agent.example.toml" >"$WORK/agent.toml"
    install -m 640 -o root -g "$ACCOUNT" "$WORK/agent.toml" "$CONFIG.new"
    on_disk "$CONFIG.new"
    mv -fT -- "$CONFIG.new" "$CONFIG"
    step "Wrote $CONFIG"
else
    step "Keeping $CONFIG"
fi

# ---- the better face detector -----------------------------------------------------------------------------------------

weights() { sha256sum "$STATE_DIR"/face_detection_yunet_*.onnx 2>/dev/null || true; }
DETECTOR_BEFORE=$(weights)
YUNET=$(echo "${OFFLINE:-/nowhere}"/face_detection_yunet_*.onnx)
if [ -z "$OFFLINE" ]; then
    step "Fetching the face detector's weights, for at most a minute"
    set --
elif [ -f "$YUNET" ]; then
    # The service's user may not reach the folder; only the pinned bytes are accepted, whoever carried them.
    install -d -m 755 "$PREFIX/.detector"
    install -m 644 "$YUNET" "$PREFIX/.detector/yunet.onnx"
    set -- --source "file://$PREFIX/.detector/yunet.onnx"
else
    set -- --source "file:///nowhere"
fi
DETECTOR_NOTE=$(as_agent http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" no_proxy="${no_proxy:-}" \
    ${SSL_CERT_FILE:+"SSL_CERT_FILE=$SSL_CERT_FILE"} EDGE_AGENT_YUNET_URL="${EDGE_AGENT_YUNET_URL:-}" \
    "$PREFIX/$NEW/bin/edge-agent" detector fetch --optional "$@" 2>&1 >/dev/null) || true
rm -rf -- "$PREFIX/.detector"

# ---- prove the new version before it takes over -----------------------------------------------------------------------

step "Trying the new version"
if ! as_agent "$PREFIX/$NEW/bin/edge-agent" doctor --preflight --config "$CONFIG"; then
    if [ "$NEW" = "$OLD" ]; then
        refuse "the installed version does not pass its own checks (above). Correct what they name, then run this again."
    elif [ -n "$OLD" ]; then
        refuse "the new version does not pass its own checks (above). $OLD stays in place and keeps running; nothing else was changed."
    fi
    refuse "the agent does not pass its own checks (above). Correct what they name, then run this again."
fi
if service_was_active && [ -n "$OLD" ] && [ "$NEW" != "$OLD" ] && ! as_agent "$PREFIX/$NEW/bin/edge-agent" check "$CONFIG"; then
    refuse "the new version does not start with $CONFIG (above). $OLD stays in place and keeps running; correct the file, then run this again."
fi
rm -rf -- "$PREFIX/$NEW/systemd"
cp -R -- "$HERE/systemd" "$PREFIX/$NEW/systemd"
mark_complete "$NEW"
FINISHED=yes

# ---- switch ---------------------------------------------------------------------------------------------------------

WAS_ACTIVE=''
# It goes on until the new version is in place: whoever breaks off here leaves a device that runs.
if service_was_active; then WAS_ACTIVE=yes; fi
RESTART_DUE=$PREFIX/.restart-due # until it was done, also by the run after one that was cut off here
if [ "$NEW" != "$OLD" ]; then
    if [ -n "$WAS_ACTIVE" ]; then touch "$RESTART_DUE"; fi
    if [ -n "$OLD" ]; then point previous "$OLD"; fi
    point current "$NEW"
fi
install_unit
on_disk "$PREFIX" "$UNIT_DIR"

if [ -n "$WAS_ACTIVE" ] && [ -e "$RESTART_DUE" ]; then
    step "Starting the new version"
    if ! restart_service; then
        journalctl --unit "$SERVICE" --lines 10 --no-pager >&2 || true
        warn "the new version does not start (above)."
        rm -f -- "$RESTART_DUE"
        roll_back
        rm -rf -- "${PREFIX:?}/$NEW" "$PREFIX/previous"
        exit 1
    fi
fi

rm -f -- "$RESTART_DUE"

for folder in "$PREFIX"/*/; do
    name=$(basename -- "$folder")
    if [ ! -L "${folder%/}" ] && [ "$name" != "$(target_of current)" ] && [ "$name" != "$(target_of previous)" ]; then
        rm -rf -- "$folder"
    fi
done

# ---- what now ---------------------------------------------------------------------------------------------------------

say
if [ -n "$WAS_ACTIVE" ]; then
    say "The agent $NEW is running. Look at it: systemctl status $SERVICE; journalctl -u $SERVICE -f"
    if [ "$NEW" = "$OLD" ] && [ "$(weights)" != "$DETECTOR_BEFORE" ]; then
        say "It has a better face detector from its next start on: systemctl restart $SERVICE"
    fi
    [ -z "$DETECTOR_NOTE" ] || say "$DETECTOR_NOTE"
    exit 0
fi
step "Looking at the whole device"
as_agent "$PREFIX/current/bin/edge-agent" doctor --config "$CONFIG" || READY=no
say
say "The agent $NEW is installed and not yet running. What to do next:"
[ -z "$FIRST" ] || say "  - Look through the settings:      sudo nano $CONFIG   (site, id, room, camera, policy)"
if [ "${READY:-yes}" = no ]; then
    say "  - Put right what is marked FAIL above. A broker of the school: docs/deploy.md, 'Enrol a device'."
    say "  - Look again:                     sudo -u $ACCOUNT edge-agent doctor --config $CONFIG"
fi
if systemd_runs; then
    say "  - Start it, now and at every boot: sudo systemctl enable --now $SERVICE"
else
    say "  - systemd is not running here, so the service was installed but cannot be started. After the next boot:"
    say "                                    sudo systemctl enable --now $SERVICE"
fi
[ -z "$DETECTOR_NOTE" ] || say "$DETECTOR_NOTE"
