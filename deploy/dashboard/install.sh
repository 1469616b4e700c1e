#!/bin/sh
# Install or upgrade the page of a school on Debian or Raspberry Pi OS, 64-bit: its own user, folder and service.
set -eu

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$HERE/../common.sh"
PREFIX=/opt/edge-agent-dashboard
CONFIG_DIR=/etc/edge-agent-dashboard
STATE_DIR=/var/lib/edge-agent-dashboard
COMMAND=/usr/local/bin/edge-dashboard
SERVICE=edge-agent-dashboard
ACCOUNT=edge-agent-dashboard
SOURCE=$(CDPATH='' cd -- "$HERE/../.." && pwd)

usage() {
    cat <<END
Usage: sudo deploy/dashboard/install.sh [--offline DIR] [--python PROGRAM] [--remove [--purge]]

Installs the school's page, or upgrades it and keeps its settings and its database.

  --offline DIR     take everything from DIR, made by deploy/make-wheelhouse.sh --page, and nothing from the network
  --python PROGRAM  the Python to build on, 3.11 to 3.14 (default: the system's python3)
  --remove          stop the page and remove the program, its service and its command
  --purge           with --remove: also $CONFIG_DIR, $STATE_DIR (database, accounts, log) and the user $ACCOUNT
END
}

PYTHON='' ACTION=install PURGE='' OFFLINE=''
while [ $# -gt 0 ]; do
    case $1 in
        --offline | --python)
            if [ $# -lt 2 ] || [ -z "$2" ]; then misused "$1: a value is missing"; fi
            if [ "$1" = --offline ]; then OFFLINE=$2; else PYTHON=$2; fi
            shift 2
            ;;
        --remove) ACTION=remove && shift ;;
        --purge) PURGE=yes && shift ;;
        -h | --help) usage && exit 0 ;;
        *) misused "$1: no such option" ;;
    esac
done
if [ -n "$OFFLINE" ]; then
    make="Make one on another machine with deploy/make-wheelhouse.sh DIR --page."
    [ -d "$OFFLINE" ] || refuse "--offline $OFFLINE: no such folder. $make"
    OFFLINE=$(CDPATH='' cd -- "$OFFLINE" && pwd)
    set -- "$OFFLINE"/classroom_edge_agent-*.whl
    if [ ! -f "$1" ] || [ ! -f "$OFFLINE/dashboard/requirements.lock" ]; then refuse "$OFFLINE is no wheelhouse of the page. $make"; fi
    [ $# -eq 1 ] || refuse "$OFFLINE holds $# versions of the page. $make"
    WHEEL=$1
fi
if [ -n "$PURGE" ] && [ "$ACTION" != remove ]; then misused "--purge: only with --remove"; fi
[ "$(id -u)" -eq 0 ] || refuse "this needs root. Run it with sudo."

systemd_runs() { [ -d /run/systemd/system ]; }
is_ours() { [ "$(getent passwd "$ACCOUNT" | cut -d: -f6)" = "$STATE_DIR" ]; }

if [ "$ACTION" = remove ]; then
    if systemd_runs && [ -e "$UNIT_DIR/$SERVICE.service" ]; then systemctl disable --now --quiet "$SERVICE"; fi
    rm -f -- "$UNIT_DIR/$SERVICE.service" "$UNIT_DIR/multi-user.target.wants/$SERVICE.service" "$COMMAND"
    if systemd_runs; then systemctl daemon-reload; fi
    rm -rf -- "$PREFIX" /var/cache/edge-agent-dashboard
    say "Removed: $PREFIX, $COMMAND, the service $SERVICE."
    if [ -n "$PURGE" ]; then
        rm -rf -- "$CONFIG_DIR" "$STATE_DIR"
        if is_ours; then userdel "$ACCOUNT"; fi
        say "Removed: $CONFIG_DIR, $STATE_DIR, the user $ACCOUNT."
    else
        say "Left in place: $CONFIG_DIR, $STATE_DIR. To remove these too: --remove --purge"
    fi
    exit 0
fi

# ---- is this machine suitable? --------------------------------------------------------------------------------------

if [ -z "$PYTHON" ]; then
    if [ -x /usr/bin/python3 ]; then PYTHON=/usr/bin/python3; else PYTHON=python3; fi
fi
command -v "$PYTHON" >/dev/null || refuse "$PYTHON: no such program. Install it: sudo apt-get install python3 python3-venv"
python_version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || refuse "$PYTHON does not run. Name a working one with --python."
case $python_version in
    3.11 | 3.12 | 3.13 | 3.14) ;;
    *) refuse "Python $python_version: 3.11 to 3.14 will do. Name another one with --python." ;;
esac
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || refuse "Python's venv module is missing. Install it: sudo apt-get install python3-venv"
if getent passwd "$ACCOUNT" >/dev/null && ! is_ours; then
    refuse "there is a user $ACCOUNT on this machine who is not the page's. Give that user another name: sudo usermod --login NAME $ACCOUNT."
fi

# ---- build the new version beside the old one -----------------------------------------------------------------------

install -d -m 755 "$PREFIX"
exec 9>"$PREFIX/.lock"
flock -n 9 || refuse "another installation is running."
WORK=$PREFIX/.work
NEW='' FINISHED=''
target_of() { if [ -L "$PREFIX/$1" ]; then basename -- "$(readlink -- "$PREFIX/$1")"; fi; }
clean_up() {
    rm -rf -- "$WORK"
    if [ -z "$FINISHED" ] && [ -n "$NEW" ] && [ "$NEW" != "$(target_of current)" ]; then rm -rf -- "${PREFIX:?}/$NEW"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
rm -rf -- "$WORK"
install -d -m 700 "$WORK" "$WORK/source"
TMPDIR=$WORK
export TMPDIR PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONDONTWRITEBYTECODE=1

if [ -n "$OFFLINE" ]; then
    VERSION=$(basename -- "$WHEEL" | cut -d- -f2)
    NEW=$VERSION-$( (cd "$OFFLINE" && sha256sum "$(basename -- "$WHEEL")" && sha256sum "$HERE/requirements.lock" | cut -d' ' -f1 && "$PYTHON" -VV) |
        sha256sum | cut -c 1-8)
else
    VERSION=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$SOURCE/edge_agent/__init__.py")
    NEW=$VERSION-$( (cd "$SOURCE" && find edge_agent fleet dashboard pyproject.toml deploy/dashboard/requirements.lock -type f \
        ! -name '*.pyc' -exec sha256sum {} + | sort -k 2 && "$PYTHON" -VV) | sha256sum | cut -c 1-8)
fi
OLD=$(target_of current)
if [ -e "$PREFIX/$NEW/.complete" ]; then
    step "$NEW is installed already"
else
    rm -rf -- "${PREFIX:?}/$NEW"
    step "Installing $NEW (Python $python_version) into $PREFIX/$NEW"
    "$PYTHON" -m venv "$PREFIX/$NEW"
    pip_install() {
        if [ -n "$OFFLINE" ]; then set -- --no-index --find-links "$OFFLINE" "$@"; fi
        "$PREFIX/$NEW/bin/python" -m pip install --quiet --no-cache-dir --only-binary :all: "$@"
    }
    if [ -z "$OFFLINE" ]; then
        cp -R -- "$SOURCE/pyproject.toml" "$SOURCE/README.md" "$SOURCE/LICENSE" "$SOURCE/edge_agent" "$SOURCE/fleet" \
            "$SOURCE/dashboard" "$WORK/source/"
        pip_install --no-compile --target "$WORK/build" --require-hashes -r "$HERE/../build.lock"
        PYTHONPATH=$WORK/build "$PREFIX/$NEW/bin/python" -m pip wheel --quiet --no-cache-dir --no-deps \
            --no-build-isolation --wheel-dir "$WORK" "$WORK/source"
        WHEEL=$(echo "$WORK"/classroom_edge_agent-*.whl)
    fi
    pip_install --require-hashes --no-deps -r "$HERE/requirements.lock"
    pip_install --no-deps "$WHEEL"
    step "Trying the new version"
    "$PREFIX/$NEW/bin/python" -c 'import dashboard.server' || refuse "the new version does not start (above). Nothing else was changed."
    sync -f "$PREFIX/$NEW"
    touch "$PREFIX/$NEW/.complete"
fi
FINISHED=yes

# ---- account, settings, switch --------------------------------------------------------------------------------------

if ! getent passwd "$ACCOUNT" >/dev/null; then
    step "Creating the system user $ACCOUNT"
    useradd --system --user-group --home-dir "$STATE_DIR" --no-create-home --shell /usr/sbin/nologin "$ACCOUNT"
fi
install -d -m 700 -o "$ACCOUNT" -g "$ACCOUNT" "$STATE_DIR"
install -d -m 750 -o root -g "$ACCOUNT" "$CONFIG_DIR"
if [ ! -s "$CONFIG_DIR/dashboard.toml" ]; then
    install -m 640 -o root -g "$ACCOUNT" "$HERE/dashboard.example.toml" "$CONFIG_DIR/dashboard.toml"
    step "Wrote $CONFIG_DIR/dashboard.toml"
else
    step "Keeping $CONFIG_DIR/dashboard.toml"
fi
# Files of `edge-agent fleet page` that were carried here by root.
for file in page.key page.crt ca.crt broker.password operator.password dashboard.toml; do
    if [ -f "$CONFIG_DIR/$file" ]; then
        chgrp "$ACCOUNT" "$CONFIG_DIR/$file"
        chmod u=rw,g=r,o= "$CONFIG_DIR/$file"
    fi
done
point() {
    ln -sfn -- "$2" "$PREFIX/.$1.new"
    mv -fT -- "$PREFIX/.$1.new" "$PREFIX/$1"
}
if [ "$NEW" != "$OLD" ]; then
    if [ -n "$OLD" ]; then point previous "$OLD"; fi
    point current "$NEW"
fi
install -d -m 755 "$UNIT_DIR" "$(dirname -- "$COMMAND")"
install -m 644 "$HERE/edge-agent-dashboard.service" "$UNIT_DIR/$SERVICE.service"
# An agent or the fleet's commands may be installed here, too, as edge-agent: the page has a command of its own.
cat >"$WORK/command" <<END
#!/bin/sh
exec $PREFIX/current/bin/edge-agent dashboard --config $CONFIG_DIR/dashboard.toml "\$@"
END
install -m 755 "$WORK/command" "$COMMAND"
if systemd_runs; then
    systemctl daemon-reload
    if systemctl is-active --quiet "$SERVICE"; then
        step "Starting the new version"
        systemctl restart "$SERVICE" || {
            if [ -n "$OLD" ] && [ "$NEW" != "$OLD" ]; then point current "$OLD" && systemctl restart "$SERVICE"; fi
            refuse "the new version does not start: journalctl -u $SERVICE"
        }
    fi
fi
for folder in "$PREFIX"/*/; do
    name=$(basename -- "$folder")
    if [ ! -L "${folder%/}" ] && [ "$name" != "$(target_of current)" ] && [ "$name" != "$(target_of previous)" ]; then
        rm -rf -- "$folder"
    fi
done

say
say "The page $NEW is installed. What to do next:"
say "  - Certificate, accounts at the broker and settings, on its machine: sudo edge-agent fleet page --host NAME"
say "    If the page is on another machine, carry $CONFIG_DIR from there to here and run this installer again."
say "  - Look at the settings:   sudo nano $CONFIG_DIR/dashboard.toml"
say "  - The first account:      sudo edge-dashboard accounts add NAME --role data_officer"
say "  - Start it at every boot: sudo systemctl enable --now $SERVICE"
