#!/bin/sh
# Node-RED: what "mqtt out" gets while there is no connection is dropped, whatever its QoS, and no node learns of it.
#
# A good guess: a message of QoS 1 waits for the connection, as the client library under it (MQTT.js) would do. Or the
# node raises an error that a "catch" node gets. Seen with Node-RED 4.1.15: a message that was sent before the broker
# was there never arrives. The "catch" node is silent, and nothing is in the log. The "complete" node is silent too,
# as it would be for a message that is still under way. Messages after the connection arrive and complete. What helps:
# ask a "status" node whether "mqtt out" is connected, and keep messages until then.
#
# Needs Debian 12 (apt-get, dpkg) and Node.js 18 or later with npm. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=2.0.11-1.2+deb12u2
folder=$(mktemp -d)
port=18839
started=""
ended() {
    # shellcheck disable=SC2086 # several processes
    kill $started 2>/dev/null || true
    wait
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
libraries=$(echo "$folder"/usr/lib/*-linux-gnu)
npm install --prefix "$folder" --no-audit --no-fund --silent node-red@4.1.15
node -p "'Node-RED ' + require('$folder/node_modules/node-red/package.json').version"

# Two messages: one is sent at the start, and one when a file appears that says that the broker is there.
cat >flow.json <<FLOW
[
  {"id": "b", "type": "mqtt-broker", "broker": "127.0.0.1", "port": "$port", "protocolVersion": "5",
   "autoConnect": true, "cleansession": true, "keepalive": "60"},
  {"id": "tab", "type": "tab", "label": "finding"},
  {"id": "i", "z": "tab", "type": "inject", "once": true, "onceDelay": 1, "props": [{"p": "payload"}],
   "payload": "early", "payloadType": "str", "wires": [["n", "o"]]},
  {"id": "n", "z": "tab", "type": "function", "func": "node.warn('sent early')", "outputs": 0, "wires": []},
  {"id": "w", "z": "tab", "type": "watch", "files": "$folder/watched", "recursive": "", "wires": [["l"]]},
  {"id": "l", "z": "tab", "type": "change", "wires": [["o"]],
   "rules": [{"t": "set", "p": "payload", "pt": "msg", "to": "late", "tot": "str"}]},
  {"id": "o", "z": "tab", "type": "mqtt out", "topic": "topic", "qos": "1", "broker": "b",
   "wires": []},
  {"id": "s", "z": "tab", "type": "mqtt in", "topic": "topic", "qos": "1", "datatype": "utf8", "broker": "b",
   "inputs": 0, "wires": [["fs"]]},
  {"id": "fs", "z": "tab", "type": "function", "outputs": 0, "wires": [],
   "func": "node.warn('received ' + msg.payload)"},
  {"id": "c", "z": "tab", "type": "complete", "scope": ["o"], "wires": [["fc"]]},
  {"id": "fc", "z": "tab", "type": "function", "outputs": 0, "wires": [],
   "func": "node.warn('complete ' + msg.payload)"},
  {"id": "e", "z": "tab", "type": "catch", "scope": null, "wires": [["fe"]]},
  {"id": "fe", "z": "tab", "type": "function", "outputs": 0, "wires": [],
   "func": "node.warn('caught ' + msg.error.message)"}
]
FLOW
mkdir watched
echo "module.exports = { uiHost: '127.0.0.1', uiPort: 18840, telemetry: { enabled: false } };" >settings.js
: >log
node node_modules/node-red/red.js --userDir "$folder" "$folder/flow.json" >log 2>&1 &
started="$!"
wait_for() { # what the log must say
    waited=0
    until grep -q "$1" log; do
        sleep 1
        waited=$((waited + 1))
        [ "$waited" -lt 120 ] || { tail -20 log; exit 1; }
    done
}
wait_for "sent early"
sleep 1
printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$port" >mosquitto.conf
LD_LIBRARY_PATH="$libraries" usr/sbin/mosquitto -c mosquitto.conf >broker.log 2>&1 &
started="$started $!"
wait_for "Connected to broker"
sleep 5 # time enough for what had waited
touch watched/now
wait_for "received late"
sleep 2
grep -o "\(sent\|received\|complete\|caught\) .*" log | sort -u | tee seen
if [ "$(cat seen)" = "complete late
received late
sent early" ]; then
    echo "As described: the early message is gone, without an error."
else
    echo "Not as described any more."
    exit 1
fi
