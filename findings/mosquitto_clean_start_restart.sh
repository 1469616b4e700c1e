#!/bin/sh
# Mosquitto: a restart forgets the session of each MQTT 5 client whose last connection began with Clean Start, however
# long the session was to live. That is what paho and aiomqtt do by default.
#
# A good guess: with `persistence true` sessions outlive a restart of the broker. In MQTT 5 the Session Expiry
# Interval says how long a session lives. Clean Start only says that an older one is thrown away, so it has nothing to
# do with what comes later. Seen with Mosquitto 2.0.11 and sessions of one hour:
# 1. Without a restart, both kinds of client find their session again, and the message of QoS 1 that waited in it.
# 2. After a restart in good order (SIGTERM), a client that was away and had connected with Clean Start finds no
#    session. Its subscription and the message that waited are gone. Without Clean Start nothing is lost.
# 3. A client that was there all the time is connected again by paho a second later. After Clean Start it has no
#    subscription any more, and gets nothing from then on.
# 4. Once a client has come back without Clean Start, its session outlives a restart too.
# paho-mqtt connects with Clean Start the first time, and without it after each loss of connection. So those clients
# whose connection never broke are the ones that lose messages when the broker is updated. A test that reconnects
# first sees nothing. What helps: clean_start=False from the first connection on.
#
# Needs Debian 12 (apt-get, dpkg) and python3 with venv. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=2.0.11-1.2+deb12u2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
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

cat >look.py <<'PYTHON'
import contextlib
import getpass
import importlib.metadata
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

SESSION_S = 3600
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
Path("data").mkdir()
Path("mosquitto.conf").write_text(
    f"listener {port} 127.0.0.1\nallow_anonymous true\nuser {getpass.getuser()}\n"
    f"persistence true\npersistence_location {Path('data').absolute()}/\n"
)


@contextlib.contextmanager
def broker():
    """Mosquitto, which is asked to end in good order and so saves what it knows."""
    with open("log", "ab") as log:
        process = subprocess.Popen(["usr/sbin/mosquitto", "-c", "mosquitto.conf"], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


class Client:
    def __init__(self, name, session_s=SESSION_S, **how):
        self.received, self._ready = [], threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
        self._client.on_message = lambda _client, _data, message: self.received.append(message.payload.decode())
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_connect = self._connected
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = session_s
        for _ in range(100):
            try:
                self._client.connect("127.0.0.1", port, properties=properties, **how)
                break
            except OSError:
                time.sleep(0.1)
        self._client.loop_start()
        self.wait()

    def _connected(self, _client, _data, flags, reason, _properties):
        assert not reason.is_failure, reason
        self.found_session = flags.session_present
        self._ready.set()

    def subscribe(self, topic):
        self._ready.clear()
        self._client.subscribe(topic, 1)
        self.wait()

    def publish(self, topic, text):
        self._client.publish(topic, text, 1).wait_for_publish(20)

    def expect_connection(self):
        self._ready.clear()

    def wait(self):
        assert self._ready.wait(30)

    def leave(self):
        self._client.disconnect()
        self._client.loop_stop()


DEFAULT, OTHER = "Clean Start (paho's default)", "no Clean Start"
BACK = "Clean Start, then back without it"
FIRST = {DEFAULT: {}, OTHER: {"clean_start": False}}


def begin(name, how):
    client = Client(name, **how)
    client.subscribe("topic")
    return client


def come_back(name):
    client = Client(name, clean_start=False)
    time.sleep(1)
    client.leave()
    return client.found_session, client.received


def send(text):
    publisher = Client("publisher", 0)
    publisher.publish("topic", text)
    publisher.leave()
    time.sleep(1)


print("paho-mqtt", importlib.metadata.version("paho-mqtt"))
seen = {}
with broker():
    for name, how in FIRST.items():
        begin(f"no restart {name}", how).leave()
    send("message")
    for name in FIRST:
        seen["no restart, away", name] = come_back(f"no restart {name}")
    for name, how in FIRST.items():
        begin(f"away {name}", how).leave()
    begin(BACK, {}).leave()
    assert come_back(BACK) == (True, [])
    staying = {name: begin(f"there {name}", how) for name, how in FIRST.items()}
    for client in staying.values():
        client.expect_connection()
    send("message")
with broker():
    for client in staying.values():
        client.wait()
    for name in FIRST:
        seen["restart, away", name] = come_back(f"away {name}")
    seen["restart, away", BACK] = come_back(BACK)
    send("message")
    for name, client in staying.items():
        seen["restart, there", name] = client.found_session, client.received
        client.leave()
for (when, name), (session, messages) in seen.items():
    print(f"{when:16}  {name:33}  session found: {session!s:5}  messages: {messages}")
expected = {
    ("no restart, away", DEFAULT): (True, ["message"]),
    ("no restart, away", OTHER): (True, ["message"]),
    ("restart, away", DEFAULT): (False, []),
    ("restart, away", OTHER): (True, ["message"]),
    ("restart, away", BACK): (True, ["message"]),
    ("restart, there", DEFAULT): (False, ["message"]),
    ("restart, there", OTHER): (True, ["message", "message"]),
}
sys.exit(0 if seen == expected else 1)
PYTHON
echo "Mosquitto $version"
if env/bin/python look.py; then
    echo "As described: the restart forgets the session that began with Clean Start, and no other."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
