#!/bin/sh
# Home Assistant: a message that says nothing about a sensor still restarts its expire_after, and brings an expired
# state back.
#
# A good guess, from the documentation ("expires, if it's not updated"): only a message that gives the sensor a value
# counts.
# A numeric sensor ignores a value template that renders to nothing, so such a message should change nothing. Seen:
# 1. It restarts the time. A sensor that shares its topic with others never expires while those others report.
# 2. It makes an expired sensor available again, with the old value as if it were new. Automations fire on that.
# What helps: a template that says None explicitly, an availability template, or a topic of the sensor's own.
#
# Needs Python 3.14.2 or later (python3.14), a compiler for a few packages, and Mosquitto (apt-get install mosquitto).
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
PATH="$PATH:/usr/sbin"
folder=$(mktemp -d)
port=18833
broker=""
ended() {
    [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
    rm -rf "$folder"
}
trap ended EXIT
python3.14 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    homeassistant==2026.11.0 paho-mqtt==2.1.0 aiohasupervisor==0.8.1
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >"$folder/mosquitto.conf"
mosquitto -c "$folder/mosquitto.conf" >/dev/null 2>&1 &
broker=$!

mkdir "$folder/config"
cat >"$folder/config/configuration.yaml" <<'YAML'
mqtt:
  - sensor:
      name: level
      state_topic: tank
      value_template: "{{ value_json.level if value_json.level is defined }}"
      unit_of_measurement: cm
      device_class: distance
      expire_after: 4
YAML

cat >"$folder/look.py" <<'PYTHON'
import asyncio
import sys

from homeassistant import bootstrap, const, runner

SETTINGS = {"set_client_cert": False, "set_ca_cert": "off", "transport": "tcp"}


async def main(folder: str, port: int) -> int:
    print("Home Assistant", const.__version__)
    hass = await bootstrap.async_setup_hass(runner.RuntimeConfig(config_dir=folder, skip_pip=True))
    await hass.async_start()
    flow = await hass.config_entries.flow.async_init("mqtt", context={"source": "user"})
    broker = {"broker": "127.0.0.1", "port": port, "protocol": "5", "other_settings": SETTINGS}
    made = await hass.config_entries.flow.async_configure(flow["flow_id"], broker)
    assert made["type"] == "create_entry", made
    await hass.async_block_till_done()

    def state() -> str:
        found = hass.states.get("sensor.level")
        return "none" if found is None else found.state

    async def publish(payload: str) -> None:
        await hass.services.async_call("mqtt", "publish", {"topic": "tank", "payload": payload}, blocking=True)

    seen = {}
    while state() in ("none", "unknown", "unavailable"):
        await publish('{"level": 7}')
        await asyncio.sleep(0.2)
    for _ in range(4):  # six seconds, in each of which somebody speaks of something else
        await asyncio.sleep(1.5)
        await publish('{"lid": "open"}')
    seen["after 6 s in which only others reported"] = state()
    await asyncio.sleep(6)
    seen["after 6 s of silence"] = state()
    await publish('{"lid": "shut"}')
    await asyncio.sleep(1)
    seen["after one more message that says nothing about the level"] = state()
    for when, what in seen.items():
        print(f"{when}: {what}")
    await hass.async_stop(force=True)
    return 0 if list(seen.values()) == ["7", "unavailable", "7"] else 1


sys.exit(asyncio.run(main(sys.argv[1], int(sys.argv[2]))))
PYTHON
status=0
"$folder/venv/bin/python" "$folder/look.py" "$folder/config" "$port" 2>"$folder/log" || status=$?
if [ "$status" = 0 ]; then
    echo "As described: the sensor never expires while others report, and an expired value is shown again."
else
    tail -20 "$folder/log"
    echo "Not as described any more."
    exit 1
fi
