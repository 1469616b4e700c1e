#!/bin/sh
# Puts Home Assistant into .home-assistant for the tests of the integration pack. It needs Python 3.14.2: the machine's,
# or else Debian's in a system of its own below .home-assistant, which takes root and 1.3 GB. Where neither can be had,
# this says so, and those tests are skipped.
set -eu
cd "$(dirname "$0")/.."
release=2026.11.0
folder="$PWD/.home-assistant"
log="$folder/install.log"
if [ -f "$folder/.installed" ]; then exit 0; fi
mkdir -p "$folder"

give_up() {
    echo "Home Assistant is not tested: $1 ($log)" >&2
    exit 0
}

install() { # the command before "python", if any, enters the system of its own
    "$@" python3.14 -m venv "$target"
    "$@" "$target/bin/python" -m pip install --quiet "homeassistant==$release"
    cp .ci/home_assistant_requirements.py "$folder/requirements.py"
    "$@" "$target/bin/python" "${target%opt/hass}requirements.py" >"$folder/requirements.txt"
    "$@" "$target/bin/python" -m pip install --quiet --requirement "${target%opt/hass}requirements.txt"
}

if python3.14 -c 'import sys; sys.exit(sys.version_info < (3, 14, 2))' 2>/dev/null; then
    target="$folder/opt/hass"
    install env >"$log" 2>&1 || give_up "its packages cannot be installed"
else
    target=/opt/hass
    [ "$(id -u)" -eq 0 ] || give_up "there is no Python 3.14.2, and only root can set Debian's up"
    if ! command -v debootstrap >/dev/null; then
        { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; } >"$log" 2>&1 ||
            give_up "there is no Python 3.14.2 and no debootstrap"
    fi
    if [ ! -x "$folder/usr/bin/python3.14" ]; then
        debootstrap --variant=minbase --include=python3.14,python3.14-venv,ca-certificates sid "$folder" \
            http://deb.debian.org/debian >"$log" 2>&1 || give_up "Debian's Python 3.14 cannot be had"
    fi
    cp /etc/resolv.conf "$folder/etc/"
    cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
    install chroot "$folder" env HOME=/root >>"$log" 2>&1 || give_up "its packages cannot be installed"
fi
touch "$folder/.installed"
