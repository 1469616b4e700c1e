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

if [ -d /run/systemd/system ] && [ -e "$UNIT_DIR/$SERVICE.service" ]; then
    systemctl disable --now --quiet "$SERVICE"
fi
rm -f -- "$UNIT_DIR/$SERVICE.service" "$UNIT_DIR/$SERVICE.service.d/10-backoff.conf" \
    "$UNIT_DIR/multi-user.target.wants/$SERVICE.service"
# A drop-in of the school's own is the school's.
rmdir -- "$UNIT_DIR/$SERVICE.service.d" 2>/dev/null || true
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$(readlink -- "$COMMAND" 2>/dev/null)" = "$PREFIX/current/bin/edge-agent" ]; then rm -f -- "$COMMAND"; fi
rm -rf -- "$PREFIX"
say "Removed: $PREFIX, $COMMAND, the service $SERVICE."

if [ -n "$PURGE" ]; then
    rm -rf -- "$CONFIG_DIR" "$STATE_DIR"
    if getent passwd "$ACCOUNT" >/dev/null; then userdel "$ACCOUNT"; fi
    if getent group "$ACCOUNT" >/dev/null; then groupdel "$ACCOUNT"; fi
    say "Removed: $CONFIG_DIR, $STATE_DIR, the user $ACCOUNT. At the school's broker: edge-agent fleet revoke DEVICE"
else
    for kept in "$CONFIG_DIR" "$STATE_DIR"; do
        if [ -e "$kept" ]; then say "Left in place: $kept"; fi
    done
    if getent passwd "$ACCOUNT" >/dev/null; then say "Left in place: the user $ACCOUNT, who owns $STATE_DIR"; fi
    say "To remove these too: sudo deploy/uninstall.sh --purge"
fi
if [ -d "$UNIT_DIR/$SERVICE.service.d" ]; then say "Left in place: your own changes in $UNIT_DIR/$SERVICE.service.d"; fi
