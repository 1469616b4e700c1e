#!/bin/sh
# paho: publish() without a connection returns the same error for a message that is dropped and for one that is kept.
#
# A good guess: MQTT_ERR_NO_CONN means that a message was not taken, so the program keeps it and tries again. Seen
# with paho-mqtt 2.1.0: with QoS 0 it is dropped. With QoS 1 and 2 it is queued all the same and sent with the next
# connection, so that a retry sends it twice. The object that publish() returned never says so: is_published() and
# wait_for_publish() raise RuntimeError for ever, also after the callback on_publish has reported the delivery. What
# helps: for QoS 1 and 2 ignore the return code and go by on_publish, or publish only while there is a connection.
#
# Needs Debian 12 (apt-get, dpkg) and python3 with venv. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=2.0.11-1.2+deb12u2
folder=$(mktemp -d)
port=18835
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
import importlib.metadata
import sys
import time

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

port = int(sys.argv[1])


def connected(client):
    for _ in range(100):
        try:
            client.connect("127.0.0.1", port)
            break
        except OSError:
            time.sleep(0.1)
    client.loop_start()
    return client


def wait_for(condition):
    ends = time.monotonic() + 20
    while not condition() and time.monotonic() < ends:
        time.sleep(0.05)


def outcome(call):
    try:
        return str(call())
    except RuntimeError as error:
        return f"RuntimeError: {error}"


print("paho-mqtt", importlib.metadata.version("paho-mqtt"))
received, subscribed = [], []
listener = paho.Client(CallbackAPIVersion.VERSION2)
listener.on_message = lambda _client, _data, message: received.append(message.payload.decode())
listener.on_subscribe = lambda *_: subscribed.append(True)
connected(listener)
listener.subscribe("topic", 2)
wait_for(lambda: subscribed)

published = []
publisher = paho.Client(CallbackAPIVersion.VERSION2)
publisher.on_publish = lambda _client, _data, number, _reason, _properties: published.append(number)
infos = [publisher.publish("topic", f"QoS {qos}", qos) for qos in (0, 1, 2)]
codes = [info.rc.name for info in infos]
print("returned without a connection:", codes)
connected(publisher)
wait_for(lambda: len(received) >= 2 and len(published) >= 2)
time.sleep(1)  # for a third message, should there be one
said = [outcome(info.is_published) for info in infos]
waited = [outcome(lambda info=info: info.wait_for_publish(1)) for info in infos]
print("received:", sorted(received))
print("on_publish reported:", sorted(published), "of", [info.mid for info in infos])
print("is_published():", said)
print("wait_for_publish():", waited)
as_described = (
    set(codes) == {"MQTT_ERR_NO_CONN"}
    and sorted(received) == ["QoS 1", "QoS 2"]
    and sorted(published) == [info.mid for info in infos[1:]]
    and all("RuntimeError" in text for text in (*said, *waited))
)
publisher.disconnect()
listener.disconnect()
sys.exit(0 if as_described else 1)
PYTHON
echo "Mosquitto $version"
if env/bin/python look.py "$port"; then
    echo "As described: one error for what is dropped and for what is sent later."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
