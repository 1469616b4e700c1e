#!/bin/sh
# mosquitto_sub: the time in its JSON says both UTC (Z) and an offset. dateutil, and pandas in part, turn the offset
# round, so that times are two hours off in winter in Berlin, and right where the clock is set to UTC.
#
# A good guess: "tst" of `mosquitto_sub -F %J` is a time of ISO 8601, with +0100 at its end as the manual shows it.
# Libraries read it right or refuse it. Seen with mosquitto_sub 2.0.11: it ends with Z+0100.
# 1. dateutil 4.0.0 takes what follows Z with the other sign, as -01:00. So a message of noon becomes one of 14:00,
#    without a word. In India it becomes one of 23:00.
# 2. pandas 3.1.1 does both: to_datetime(text) is right. Timestamp(text), DatetimeIndex([text]) and
#    to_datetime([text], format="mixed") are wrong.
# 3. datetime.fromisoformat of Python refuses it.
# Where the clock is set to UTC, as on many servers and in most tests, nothing is wrong but the last. So recordings of
# a device and of a laptop do not fit together, and neither says why. What helps: `-F '%I %t %p'`, which has the
# offset alone, or TZ=UTC0 before the command.
#
# Needs Debian 12 (apt-get, dpkg) and python3 with venv. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=2.0.11-1.2+deb12u2
folder=$(mktemp -d)
broker=""
ended() {
    [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
    rm -rf "$folder"
}
trap ended EXIT
chmod 755 "$folder"
cd "$folder"
packages="mosquitto=$version mosquitto-clients=$version libmosquitto1=$version libcjson1 libdlt2 libwrap0"
# shellcheck disable=SC2086 # several packages
if ! apt-get download -q $packages >/dev/null 2>&1; then
    apt-get update -q >/dev/null
    apt-get download -q $packages >/dev/null
fi
for package in *.deb; do
    dpkg -x "$package" .
done
LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu)
export LD_LIBRARY_PATH
python3 -m venv env
env/bin/python -m pip install -q --no-compile --disable-pip-version-check python-dateutil==4.0.0 pandas==3.1.1
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >mosquitto.conf
usr/sbin/mosquitto -c mosquitto.conf >log 2>&1 &
broker=$!
tries=0
until usr/bin/mosquitto_pub -h 127.0.0.1 -p "$port" -t topic -m 7 -r 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || { cat log; exit 1; }
    sleep 0.2
done
# The zones are written out, so that neither the time of the year nor the machine's list of zones matters.
for zone in UTC0 CET-1 EST5 IST-5:30; do
    for format in %J %I; do
        line=$(TZ=$zone usr/bin/mosquitto_sub -h 127.0.0.1 -p "$port" -t topic -C 1 -W 20 -F "$format")
        printf '%s\t%s\t%s\t%s\n' "$zone" "$format" "$(date +%s)" "$line" >>lines
    done
done

cat >look.py <<'PYTHON'
import importlib.metadata
import json
import sys
from datetime import datetime
from pathlib import Path

import pandas
from dateutil import parser

READERS = {
    "dateutil": parser.parse,
    "pandas.Timestamp": pandas.Timestamp,
    "pandas.DatetimeIndex": lambda text: pandas.DatetimeIndex([text])[0],
    "pandas mixed": lambda text: pandas.to_datetime([text], format="mixed")[0],
    "pandas.to_datetime": pandas.to_datetime,
    "fromisoformat": datetime.fromisoformat,
}
TURNED = {"dateutil", "pandas.Timestamp", "pandas.DatetimeIndex", "pandas mixed"}
# How many hours a time is late where the sign of the offset is turned round.
LATE = {"UTC0": 0, "CET-1": 2, "EST5": -10, "IST-5:30": 11}


def hours_off(read, text, now):
    try:
        return round((read(text).timestamp() - now) / 3600, 1) + 0.0
    except ValueError:
        return "refused"


for package in ("python-dateutil", "pandas"):
    print(package, importlib.metadata.version(package))
as_described = True
for line in Path("lines").read_text().splitlines():
    zone, form, now, got = line.split("\t")
    text = json.loads(got)["tst"] if form == "%J" else got
    print(f"TZ={zone} -F {form}: {text}")
    for name, read in READERS.items():
        off = hours_off(read, text, int(now))
        expected = 0
        if form == "%J":
            expected = LATE[zone] if name in TURNED else "refused" if name == "fromisoformat" else 0
        print(f"    {name:21} {off if off == 'refused' else f'{off:+.1f} hours'}")
        as_described = as_described and off == expected
sys.exit(0 if as_described else 1)
PYTHON
echo "mosquitto_sub $version"
if env/bin/python look.py; then
    echo "As described: the time of %J is read wrongly, but not in UTC. That of %I is read rightly."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
