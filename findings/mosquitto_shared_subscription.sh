#!/bin/sh
# Mosquitto: a shared subscription goes on giving messages to a member that is away.
#
# A good guess: members of a group ($share/GROUP/...) share the work, so that others take over when one is away. Seen
# with Mosquitto 2.0.11 and two members with sessions that outlive the connection, as QoS 1 needs them: one has
# disconnected in good order. Of 20 messages the other one gets 10. The other 10 wait until the first one comes back,
# or until its session expires, and are lost then. So a worker that is stopped for good takes its share with it. What
# helps: sessions that end with the connection (Session Expiry Interval 0) for members of a group, or unsubscribing
# before leaving.
#
# Needs Debian 12 (apt-get, dpkg) and python3 with venv. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=2.0.11-1.2+deb12u2
folder=$(mktemp -d)
port=18838
broker=""
ended() {
    [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
    rm -rf "$folder"
}
trap ended EXIT
chmod 755 "$folder"
cd "$folder"
packages="mosquitto=$version libmosquitto1=$version libdlt2 libwrap0"
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
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >mosquitto.conf
usr/sbin/mosquitto -c mosquitto.conf >log 2>&1 &
broker=$!

cat >look.py <<'PYTHON'
import sys
import threading
import time

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

port, MESSAGES = int(sys.argv[1]), 20


class Member:
    """A client whose session outlives its connection by an hour, unless told otherwise."""

    def __init__(self, name, session_s=3600):
        self.received, self._ready = [], threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
        self._client.on_message = lambda _client, _data, message: self.received.append(message.payload)
        self._client.on_connect = self._client.on_subscribe = lambda *_: self._ready.set()
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = session_s
        for _ in range(100):
            try:
                self._client.connect("127.0.0.1", port, clean_start=False, properties=properties)
                break
            except OSError:
                time.sleep(0.1)
        self._client.loop_start()
        assert self._ready.wait(20)

    def subscribe(self, name):
        self._ready.clear()
        self._client.subscribe(name, 1)
        assert self._ready.wait(20)

    def publish(self, topic):
        self._client.publish(topic, "x", 1).wait_for_publish(20)

    def leave(self):
        self._client.disconnect()
        self._client.loop_stop()

    def wait_for(self, count):
        ends = time.monotonic() + 10
        while len(self.received) < count and time.monotonic() < ends:
            time.sleep(0.05)
        return len(self.received)


def share(session_s):
    """What a member gets that stays, and what one gets that was away, when it comes back."""
    group, topic = f"$share/group{session_s}/work{session_s}", f"work{session_s}"
    away, staying = Member(f"away{session_s}", session_s), Member(f"staying{session_s}", session_s)
    away.subscribe(group)
    staying.subscribe(group)
    away.leave()
    publisher = Member("publisher", 0)
    for _ in range(MESSAGES):
        publisher.publish(topic)
    publisher.leave()
    got = staying.wait_for(MESSAGES)
    back = Member(f"away{session_s}", session_s)
    seen = got, back.wait_for(MESSAGES - got)
    back.leave()
    staying.leave()
    return seen


kept, ended = share(3600), share(0)
print(f"sessions of an hour, {MESSAGES} messages: {kept[0]} to the member that is there, {kept[1]} to the other, later")
print(f"sessions that end with the connection: {ended[0]} and {ended[1]}")
sys.exit(0 if kept == (10, 10) and ended == (20, 0) else 1)
PYTHON
echo "Mosquitto $version"
if env/bin/python look.py "$port"; then
    echo "As described: half of the messages wait for the member that is away."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
