#!/bin/sh
# collectd: what it publishes with MQTT ends with a byte 0. A terminal does not show it, and the value is no number.
#
# A good guess: a payload such as 1796010853.481:1176 is a time and a number, as collectd's wiki says, and text up to
# its end. MQTT has a length for it, so nothing needs to mark the end. Seen with collectd 5.12.0 of Debian 12, with
# which small devices tell others their load or temperature: each payload is one byte longer than its text, and this
# byte is 0. mosquitto_sub -v shows a usual line. float() of the value raises ValueError, also after strip(), which
# leaves such a byte. Of several values in a payload only the last one is so. The same text from mosquitto_pub is
# read. So a reader that was tried out with text copied from a terminal works there, and gets no value from a device.
# What helps: payload.rstrip(b"\0") before anything else.
#
# Needs Debian 12 (apt-get, dpkg) and python3 with venv. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
mosquitto=2.0.11-1.2+deb12u2
collectd=5.12.0-14
folder=$(mktemp -d)
started=""
ended() {
    # shellcheck disable=SC2086 # several processes
    [ -z "$started" ] || kill $started 2>/dev/null || true
    wait
    rm -rf "$folder"
}
trap ended EXIT
chmod 755 "$folder"
cd "$folder"
packages="mosquitto=$mosquitto mosquitto-clients=$mosquitto libmosquitto1=$mosquitto collectd-core=$collectd"
packages="$packages libcjson1 libdlt2 libwrap0"
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
env/bin/python -m pip install -q --disable-pip-version-check paho-mqtt==2.1.0
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >mosquitto.conf
usr/sbin/mosquitto -c mosquitto.conf >log 2>&1 &
started=$!
tries=0
until usr/bin/mosquitto_pub -h 127.0.0.1 -p "$port" -t ready -m yes 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || { cat log; exit 1; }
    sleep 0.2
done
cat >collectd.conf <<CONF
Hostname "device"
BaseDir "$folder"
PIDFile "$folder/pid"
PluginDir "$folder/usr/lib/collectd"
TypesDB "$folder/usr/share/collectd/types.db"
Interval 1
LoadPlugin uptime
LoadPlugin load
LoadPlugin mqtt
<Plugin mqtt>
    <Publish "broker">
        Host "127.0.0.1"
        Port "$port"
        Retain true
    </Publish>
</Plugin>
CONF
usr/sbin/collectd -f -C "$folder/collectd.conf" >collectd.log 2>&1 &
started="$started $!"
usr/bin/mosquitto_sub -h 127.0.0.1 -p "$port" -t collectd/device/uptime/uptime -C 1 -W 30 -v >shown || true

cat >look.py <<'PYTHON'
import subprocess
import sys
from pathlib import Path

from paho.mqtt import subscribe

port = int(sys.argv[1])


def payload(topic):
    return subscribe.simple(topic, hostname="127.0.0.1", port=port, keepalive=20).payload


def number(text):
    try:
        float(text)
    except ValueError as error:
        return f"ValueError: {error}"
    return "a number"


shown = Path("shown").read_bytes()
print("mosquitto_sub -v shows:", shown.replace(b"\0", b"").decode().rstrip())
copied = shown.replace(b"\0", b"").decode().split()[1]
command = ["usr/bin/mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-r", "-t", "copied", "-m", copied]
subprocess.run(command, check=True)
seen = {}
for name, topic in {
    "uptime from collectd": "collectd/device/uptime/uptime",
    "load from collectd": "collectd/device/load/load",
    "text from mosquitto_pub": "copied",
}.items():
    got = payload(topic)
    _, *values = got.decode().strip().split(":")
    seen[name] = got[-1:] == b"\0", got.count(b"\0"), [number(value) for value in values]
    print(f"{name}: {got!r}")
    for value in values:
        print(f"    {value!r}: {number(value)}")
    for value in got.rstrip(b"\0").decode().split(":"):
        assert number(value) == "a number", value
broken, good = "ValueError: could not convert string to float", "a number"
as_described = True
for name, (ends_with_nul, nuls, readable) in seen.items():
    of_collectd = name.endswith("collectd")
    as_described = as_described and (ends_with_nul, nuls) == (of_collectd, int(of_collectd))
    as_described = as_described and all(text == good for text in readable[:-1])
    as_described = as_described and (readable[-1].startswith(broken) if of_collectd else readable[-1] == good)
sys.exit(0 if as_described and len(seen["load from collectd"][2]) == 3 else 1)
PYTHON
echo "collectd $collectd"
if timeout 60 env/bin/python look.py "$port"; then
    echo "As described: each payload of collectd ends with a byte 0, and the last value is no number."
else
    tail -5 collectd.log
    echo "Not as described any more."
    exit 1
fi
