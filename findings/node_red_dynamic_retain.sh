#!/bin/sh
# Node-RED: a dynamic "mqtt in" asks for Retain As Published unless told not to. A static one whose flow leaves it out
# does not.
#
# A good guess: what a subscription leaves out is MQTT's own default, which is off, and the same for both kinds of node.
# Then msg.retain tells a message that the broker had kept from one that has just been sent. Seen with MQTT 5: to a
# dynamic subscription that says nothing about it, a message that is just being sent, by a publisher that retains, comes
# with msg.retain = true. It looks as if the broker had kept it. Whoever takes retained messages for no sign of life finds
# such a device dead. What helps: `rap: false` in the message that subscribes.
#
# Needs Node.js 18 or later with npm, and Mosquitto (apt-get install mosquitto mosquitto-clients).
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
PATH="$PATH:/usr/sbin"
folder=$(mktemp -d)
port=18831
ended() {
    kill $started 2>/dev/null || true
    wait
    rm -rf "$folder"
}
started=""
trap ended EXIT
npm install --prefix "$folder" --no-audit --no-fund --silent node-red@4.1.15
mosquitto -h 2>/dev/null | head -1 || true
node -p "'Node-RED ' + require('$folder/node_modules/node-red/package.json').version"

# No password and no persistence; the loopback address alone.
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >"$folder/mosquitto.conf"
mosquitto -c "$folder/mosquitto.conf" >/dev/null 2>&1 &
started="$!"

# A connection of its own for each node: Node-RED gives all nodes of a connection what any of them gets.
cat >"$folder/flow.json" <<FLOW
[
  {"id": "b1", "type": "mqtt-broker", "broker": "127.0.0.1", "port": "$port", "protocolVersion": "5", "autoConnect": true,
   "cleansession": true, "keepalive": "60"},
  {"id": "b2", "type": "mqtt-broker", "broker": "127.0.0.1", "port": "$port", "protocolVersion": "5", "autoConnect": true,
   "cleansession": true, "keepalive": "60"},
  {"id": "tab", "type": "tab", "label": "finding"},
  {"id": "s", "z": "tab", "type": "mqtt in", "topic": "device/state", "qos": "1", "datatype": "utf8", "broker": "b1",
   "inputs": 0, "wires": [["fs"]]},
  {"id": "fs", "z": "tab", "type": "function", "func": "node.warn('static ' + msg.payload + ' retain=' + msg.retain)",
   "outputs": 0, "wires": []},
  {"id": "i", "z": "tab", "type": "inject", "once": true, "onceDelay": 2, "props": [], "wires": [["a"]]},
  {"id": "a", "z": "tab", "type": "function", "outputs": 1, "wires": [["d"]],
   "func": "return {action: 'subscribe', topic: {topic: 'device/state', qos: 1}}"},
  {"id": "d", "z": "tab", "type": "mqtt in", "topic": "", "qos": "1", "datatype": "utf8", "broker": "b2", "inputs": 1,
   "wires": [["fd"]]},
  {"id": "fd", "z": "tab", "type": "function", "func": "node.warn('dynamic ' + msg.payload + ' retain=' + msg.retain)",
   "outputs": 0, "wires": []}
]
FLOW
echo "module.exports = { uiHost: '127.0.0.1', uiPort: 18832, telemetry: { enabled: false } };" >"$folder/settings.js"
node "$folder/node_modules/node-red/red.js" --userDir "$folder" "$folder/flow.json" >"$folder/log" 2>&1 &
started="$started $!"

publish() {
    mosquitto_pub -h 127.0.0.1 -p "$port" -V 5 -q 1 -r -t device/state -m "$1"
}
waited=0
until grep -q "Started flows" "$folder/log"; do
    sleep 1
    waited=$((waited + 1))
    [ "$waited" -lt 60 ] || { cat "$folder/log"; exit 1; }
done
sleep 6 # both have subscribed
publish live
sleep 3
grep -o "\(static\|dynamic\) .*" "$folder/log" | sort | tee "$folder/seen"
if [ "$(cat "$folder/seen")" = "dynamic live retain=true
static live retain=false" ]; then
    echo "As described: the same live message comes with msg.retain = true to the dynamic subscription alone."
else
    echo "Not as described any more."
    exit 1
fi
