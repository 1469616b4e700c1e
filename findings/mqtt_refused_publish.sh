#!/bin/sh
# MQTT clients: a publish with QoS 1 that the broker refuses counts as done in paho, aiomqtt and mosquitto_pub.
#
# A good guess: MQTT 5 tells the publisher with a reason code that a message was refused, so who waits for the
# acknowledgement learns of it. Seen with a topic that the broker's rules forbid, and MQTT 5:
# 1. paho's wait_for_publish() returns, is_published() is True, and rc is 0. Only the callback on_publish gets the
#    code.
# 2. `await client.publish(...)` of aiomqtt returns as for a message that was taken. It offers no way to the code.
# 3. mosquitto_pub warns, and its exit status is 0.
# So a rule that is missing at the broker loses every message of such a program, and nothing fails. What helps: paho's
# callback with callback API version 2, and a look whether reason_code.is_failure.
#
# Needs Debian 12 (apt-get, dpkg) and python3 with venv. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=2.0.11-1.2+deb12u2
folder=$(mktemp -d)
port=18834
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
env/bin/python -m pip install -q --disable-pip-version-check paho-mqtt==2.1.0 aiomqtt==2.5.1

cat >rules <<'RULES'
topic read #
topic write allowed
RULES
chmod 700 rules
cat >mosquitto.conf <<CONF
listener $port 127.0.0.1
allow_anonymous true
acl_file $folder/rules
user $(id -un)
CONF
usr/sbin/mosquitto -c mosquitto.conf >log 2>&1 &
broker=$!

cat >look.py <<'PYTHON'
import asyncio
import importlib.metadata
import sys
import time

import aiomqtt
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

port = int(sys.argv[1])


def with_paho():
    client, reasons = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5), {}
    client.on_publish = lambda _client, _data, number, reason, _properties: reasons.update({number: str(reason)})
    for _ in range(50):
        try:
            client.connect("127.0.0.1", port)
            break
        except OSError:
            time.sleep(0.1)
    client.loop_start()
    info = client.publish("forbidden", "x", qos=1)
    info.wait_for_publish(10)
    seen = info.is_published(), int(info.rc), reasons.get(info.mid)
    client.disconnect()
    client.loop_stop()
    return seen


async def with_aiomqtt():
    async with aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        return await client.publish("allowed", "x", qos=1), await client.publish("forbidden", "x", qos=1)


by_paho = with_paho()
print("paho", importlib.metadata.version("paho-mqtt"), "is_published, rc, reason in the callback:", by_paho)
by_aiomqtt = asyncio.run(with_aiomqtt())
print("aiomqtt", importlib.metadata.version("aiomqtt"), "publish returned, allowed and forbidden:", by_aiomqtt)
sys.exit(0 if by_paho == (True, 0, "Not authorized") and by_aiomqtt == (None, None) else 1)
PYTHON
echo "Mosquitto $version"
status=0
env/bin/python look.py "$port" || status=$?
tool=0
usr/bin/mosquitto_pub -p "$port" -V 5 -q 1 -t forbidden -m x >said 2>&1 || tool=$?
echo "mosquitto_pub: exit status $tool: $(head -1 said)"
if [ "$status,$tool" = 0,0 ] && grep -q "Not authorized" said; then
    echo "As described: the broker says that it refuses, and all three end as if it had taken the message."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
