#!/bin/sh
# The tests speak to a real Mosquitto. Installs it with apt where that is possible, else says what to install.
set -eu
PATH="$PATH:/usr/sbin"
if command -v mosquitto >/dev/null && command -v mosquitto_sub >/dev/null; then exit 0; fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then as_root="sudo -n"; fi
if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    $as_root apt-get update -qq
    # The package starts a system-wide broker that nobody here asked for.
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends mosquitto mosquitto-clients
    $as_root systemctl disable --now mosquitto 2>/dev/null || true
fi
if ! command -v mosquitto >/dev/null; then
    echo "The tests need Mosquitto: sudo apt-get install mosquitto mosquitto-clients" >&2
    exit 1
fi
