# What the scripts of this folder share: where an installed agent lives, and how they speak. Read by them, not run.
# shellcheck shell=sh
# shellcheck disable=SC2034 # not every script needs all of it

PREFIX=/opt/edge-agent
CONFIG_DIR=/etc/edge-agent
STATE_DIR=/var/lib/edge-agent
UNIT_DIR=/etc/systemd/system
COMMAND=/usr/local/bin/edge-agent
SERVICE=edge-agent
ACCOUNT=edge-agent
FLEET_DIR=/var/lib/edge-agent-fleet

# What the installed files are like must not hang on who installs: "su" keeps a path without useradd, careful people
# have a umask that would hide the program from the service, developers point Python elsewhere.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
umask 022
unset PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT

say() { printf '%s\n' "$*"; }
step() { printf '==> %s\n' "$*"; }
warn() { printf 'note: %s\n' "$*" >&2; }
refuse() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
misused() { # for scripts that have a usage()
    printf 'error: %s\n\n' "$*" >&2
    usage >&2
    exit 2
}
