#!/bin/sh
# amqtt: a client that falls silent stays connected, whatever keep-alive it has announced, and its will is never sent.
#
# A good guess: a client that announces a keep-alive of 1 second and then sends nothing is cut off after 1.5 seconds,
# and its will goes out. MQTT asks brokers for that, and a will is mostly there for it: a device without power cannot
# say goodbye. Seen with amqtt 0.12.1: after 10 seconds the connection is still open and there is no will. The broker
# waits for the time announced and then does nothing. Only a connection that is closed sets the will free, as when a
# program ends. So a test that kills a program passes, and a pulled plug goes unnoticed. What helps: test such things
# with another broker, and let whoever subscribes watch for messages that are overdue.
#
# Needs python3 with venv, 3.10 or later. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check amqtt==0.12.1 paho-mqtt==2.1.0
cat >look.py <<'PYTHON'
import asyncio
import importlib.metadata
import logging
import socket
import sys
import threading
import time

from amqtt.broker import Broker
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

logging.disable(logging.CRITICAL)


def start_broker():
    """A broker on a free port, and the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def serve():
        plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}
        await Broker({"listeners": listeners, "plugins": plugins}).start()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    return port


port, wills = start_broker(), []
watcher = paho.Client(CallbackAPIVersion.VERSION2, client_id="watcher")
watcher.on_message = lambda _client, _data, message: wills.append(message.topic)
subscribed = threading.Event()
watcher.on_subscribe = lambda *_: subscribed.set()
for _ in range(200):
    try:
        watcher.connect("127.0.0.1", port)
        break
    except OSError:
        time.sleep(0.1)
watcher.loop_start()
watcher.subscribe("will/#", 1)
assert subscribed.wait(30)


def connected_device(name):
    """A device that has connected with a keep-alive of 1 second, and sends nothing after that."""
    device = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
    device.will_set(f"will/{name}", "gone", 1)
    device.connect("127.0.0.1", port, keepalive=1)
    while not device.is_connected():
        device.loop(0.05)
    return device


silent = connected_device("silent")
link = silent.socket()
time.sleep(10)
link.setblocking(False)
try:
    still_open = link.recv(1) != b""
except BlockingIOError:
    still_open = True
after_silence = list(wills)
link.close()
time.sleep(2)
after_closing = list(wills)
print("amqtt", importlib.metadata.version("amqtt"))
print(f"10 seconds of silence at a keep-alive of 1: open {still_open}, wills {after_silence}")
print(f"after the connection was closed: wills {after_closing}")
sys.exit(0 if still_open and after_silence == [] and after_closing == ["will/silent"] else 1)
PYTHON
status=0
env/bin/python look.py 2>log || status=$?
if [ "$status" = 0 ]; then
    echo "As described: silence has no consequence, whatever keep-alive was announced."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
