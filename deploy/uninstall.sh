#!/bin/sh
# Remove the classroom edge agent. Configuration, stored events and the device's key stay unless --purge is given.
set -eu

HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$HERE/common.sh"

usage() {
    cat <<END
Usage: sudo deploy/uninstall.sh [--purge]

Stops the agent and removes the program, its service and its command.

  --purge  also remove $CONFIG_DIR, $STATE_DIR (stored events, enrolment) and the user $ACCOUNT
END
}

PURGE=''
case ${1:-} in
    '') ;;
    --purge) PURGE=yes ;;
    -h | --help) usage && exit 0 ;;
    *) misused "$1: no such option" ;;
esac
[ "$(id -u)" -eq 0 ] || refuse "removing needs root. Run it with sudo."

# A folder with all it holds. Of one that was moved to another disk only the link goes: what else lies there is not ours.
remove() {
    if [ -L "$1" ]; then
        LINKED="$LINKED $(readlink -f -- "$1" || true)"
        rm -f -- "$1"
    elif mountpoint -q -- "$1"; then
        find "$1" -mindepth 1 -delete
        LINKED="$LINKED $1 (empty)"
    else
        rm -rf -- "$1"
    fi
}
LINKED=''
is_agents() { [ "$(getent passwd "$ACCOUNT" | cut -d: -f6)" = "$STATE_DIR" ]; }

BROUGHT_PYTHON=''
if [ -e "$PREFIX/.brought-python" ]; then BROUGHT_PYTHON=yes; fi
if [ -d /run/systemd/system ] && [ -e "$UNIT_DIR/$SERVICE.service" ]; then
    systemctl disable --now --quiet "$SERVICE"
fi
rm -f -- "$UNIT_DIR/$SERVICE.service" "$UNIT_DIR/$SERVICE.service.d/10-backoff.conf" \
    "$UNIT_DIR/multi-user.target.wants/$SERVICE.service"
# A drop-in of the school's own is the school's.
rmdir -- "$UNIT_DIR/$SERVICE.service.d" 2>/dev/null || true
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$(readlink -- "$COMMAND" 2>/dev/null)" = "$PREFIX/current/bin/edge-agent" ]; then rm -f -- "$COMMAND"; fi
remove "$PREFIX"
say "Removed: $PREFIX, $COMMAND, the service $SERVICE."

if [ -n "$PURGE" ]; then
    remove "$CONFIG_DIR"
    remove "$STATE_DIR"
    # A person of this name is not the installer's to remove.
    if is_agents; then userdel "$ACCOUNT"; fi
    if ! getent passwd "$ACCOUNT" >/dev/null && [ "$(getent group "$ACCOUNT" | cut -d: -f4)" = '' ]; then
        groupdel "$ACCOUNT" 2>/dev/null || true # gone with its user, as a rule
    fi
    say "Removed: $CONFIG_DIR, $STATE_DIR, the user $ACCOUNT. At the school's broker: edge-agent fleet revoke DEVICE"
else
    for kept in "$CONFIG_DIR" "$STATE_DIR"; do
        if [ -e "$kept" ]; then say "Left in place: $kept"; fi
    done
    if getent passwd "$ACCOUNT" >/dev/null; then say "Left in place: the user $ACCOUNT, who owns $STATE_DIR"; fi
    say "To remove these too: sudo deploy/uninstall.sh --purge"
fi
if [ -n "$LINKED" ]; then say "Left in place, where it had been moved to:$LINKED"; fi
if [ -d "$FLEET_DIR" ]; then say "Left in place: $FLEET_DIR, the authority of a school, without which no device can be enrolled"; fi
if [ -n "$BROUGHT_PYTHON" ]; then say "Left in place: Debian's python3-venv, which the installation had apt bring"; fi
if [ -d "$UNIT_DIR/$SERVICE.service.d" ]; then say "Left in place: your own changes in $UNIT_DIR/$SERVICE.service.d"; fi
