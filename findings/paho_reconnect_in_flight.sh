#!/bin/sh
# paho: after a reconnect, neither max_inflight_messages nor the broker's Receive Maximum limits what is sent at once.
#
# A good guess: who allows 5 messages in flight sends at most 5 without an acknowledgement, on every connection. Seen
# with paho-mqtt 2.1.0 and 100 messages of QoS 1: the first connection sends 5 and waits. After the connection is
# lost, the next one sends all 100 at once. With MQTT 5 it is the same, although the broker's CONNACK allows 5
# (Receive Maximum), for which a broker may close the connection. So a backlog hits a small broker at full speed just
# when it comes back. What helps: a new client object for each connection, which is given messages as acknowledgements
# come in.
#
# Needs python3 with venv. Installs nothing outside of a temporary folder. What stands for the broker takes messages
# and never acknowledges one, as a broker that is busy does.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check paho-mqtt==2.1.0
cat >look.py <<'PYTHON'
import importlib.metadata
import socket
import sys
import threading

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

ALLOWED, MESSAGES = 5, 100
CONNECT, PUBLISH = 1, 3
ANSWER = {
    paho.MQTTv311: bytes([0x20, 2, 0, 0]),
    paho.MQTTv5: bytes([0x20, 6, 0, 0, 3, 0x21, 0, ALLOWED]),  # 0x21: Receive Maximum
}


def packets(connection):
    """The types of the packets that come in, until nothing has come for two seconds."""
    connection.settimeout(2)
    stream = connection.makefile("rb")
    try:
        while first := stream.read(1):
            length, shift = 0, 0
            while True:
                byte = stream.read(1)[0]
                length |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            stream.read(length)
            yield first[0] >> 4
    except TimeoutError:
        return


def unacknowledged(protocol):
    """How many messages each of two connections sends without an acknowledgement."""
    counts = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for _ in range(2):
            connection, _ = listener.accept()
            count = 0
            with connection:
                for kind in packets(connection):
                    if kind == CONNECT:
                        connection.sendall(ANSWER[protocol])
                    count += kind == PUBLISH
            counts.append(count)

    broker = threading.Thread(target=serve, daemon=True)
    broker.start()
    connected = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="device", protocol=protocol)
    client.max_inflight_messages_set(ALLOWED)
    client.reconnect_delay_set(1, 1)
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", listener.getsockname()[1])
    client.loop_start()
    connected.wait(10)
    for number in range(MESSAGES):
        client.publish("topic", str(number), qos=1)
    broker.join(60)
    client.loop_stop()
    listener.close()
    return counts


print("paho-mqtt", importlib.metadata.version("paho-mqtt"))
seen = {name: unacknowledged(protocol) for name, protocol in (("3.1.1", paho.MQTTv311), ("5", paho.MQTTv5))}
for name, counts in seen.items():
    print(f"MQTT {name}, {ALLOWED} allowed: sent by the first connection and by the next one: {counts}")
sys.exit(0 if all(counts == [ALLOWED, MESSAGES] for counts in seen.values()) else 1)
PYTHON
if env/bin/python look.py; then
    echo "As described: the limits hold on the first connection alone."
else
    echo "Not as described any more."
    exit 1
fi
