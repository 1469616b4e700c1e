#!/bin/sh
# amqtt: a broker that lets anonymous clients in keeps no session for anybody, also not for clients with a name.
#
# A good guess: a client that connects with clean_session=False and a client id gets what was sent while it was away.
# MQTT 3.1.1 says so, however clients log in. Seen with amqtt 0.12.1 and its plugin for anonymous access, which is on
# by default: nothing is kept, and the subscription is gone. The next CONNACK says that there is no session. A client
# that gives a user name is treated the same. With `allow_anonymous: false` in the same plugin, which lets in every
# client with a name and asks for no password, all messages are kept. So tests against such a broker see messages lost
# that a real one would deliver. What helps: that setting, and a user name.
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

MESSAGES = 5
logging.disable(logging.CRITICAL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(allow_anonymous):
    port = free_port()
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": allow_anonymous}}
    listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}

    async def serve():
        broker = Broker({"listeners": listeners, "plugins": plugins})
        await broker.start()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    return port


class Client:
    def __init__(self, port, name, user):
        self.received, self.session_present, self._ready = [], None, threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        if user:
            self._client.username_pw_set(user)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = lambda _client, _data, message: self.received.append(message.payload)
        for _ in range(200):
            try:
                self._client.connect("127.0.0.1", port)
                break
            except OSError:
                time.sleep(0.1)
        self._client.loop_start()
        assert self._ready.wait(30)

    def _connected(self, _client, _data, flags, _reason, _properties):
        self.session_present = flags.session_present
        self._ready.set()

    def subscribe(self, topic):
        self._ready.clear()
        self._client.subscribe(topic, 1)
        assert self._ready.wait(30)

    def publish(self, topic):
        self._client.publish(topic, "x", 1).wait_for_publish(30)

    def leave(self):
        self._client.disconnect()
        self._client.loop_stop()


def after_being_away(allow_anonymous, user):
    """Whether there is a session, and how many messages come, when a client comes back."""
    port = start(allow_anonymous)
    client = Client(port, "reader", user)
    client.subscribe("topic")
    client.leave()
    time.sleep(1)
    publisher = Client(port, "writer", user)
    for _ in range(MESSAGES):
        publisher.publish("topic")
    publisher.leave()
    back = Client(port, "reader", user)
    time.sleep(3)
    back.leave()
    return back.session_present, len(back.received)


print("amqtt", importlib.metadata.version("amqtt"))
seen = {
    "allow_anonymous, no user name": after_being_away(True, ""),
    "allow_anonymous, a user name": after_being_away(True, "somebody"),
    "allow_anonymous: false, a user name": after_being_away(False, "somebody"),
}
for how, (present, count) in seen.items():
    print(f"{how}: session present: {present}, {count} of {MESSAGES} messages")
sys.exit(0 if list(seen.values()) == [(False, 0), (False, 0), (True, MESSAGES)] else 1)
PYTHON
if env/bin/python look.py; then
    echo "As described: where anonymous clients may come in, no session is kept, for none of them."
else
    echo "Not as described any more."
    exit 1
fi
