#!/bin/sh
# Mosquitto: a bridge between two brokers that both speak MQTT 5 drops its properties. So messages that have expired
# stay for ever at the other side. With MQTT 5 it renames topics, but not the topic that a request asks to be answered
# on.
#
# A good guess: brokers of one version that speak MQTT 5 use it with each other, and what maps topics maps all of
# them. Seen with Mosquitto 2.0.11 and the mapping `topic # both 1 in/ out/`:
# 1. By itself a bridge speaks MQTT 3.1.1, and says so nowhere. User properties, content type and expiry are gone. A
#    retained message that lives for 2 seconds is gone at its own broker, and the other one keeps it.
# 2. With `bridge_protocol_version mqttv50` they come through. The response topic comes through as it was:
#    `in/answer`. The other side knows this topic as `out/answer`. So whoever answers where it was asked to is not
#    heard.
# What helps: set the version, and use the same topics on both sides of a bridge that carries requests.
#
# Needs Debian 12 (apt-get, dpkg). Installs nothing: the packages are unpacked in a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=2.0.11-1.2+deb12u2
folder=$(mktemp -d)
near=18836
far=18837
started=""
ended() {
    # shellcheck disable=SC2086 # several processes
    kill $started 2>/dev/null || true
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
echo "Mosquitto $version"

start() { # name of a configuration
    usr/sbin/mosquitto -c "$1.conf" >"$1.log" 2>&1 &
    started="$started $!"
}
sub() { # port, topic, seconds, format
    usr/bin/mosquitto_sub -p "$1" -V 5 -q 1 -t "$2" -C 1 -W "$3" -F "$4" 2>/dev/null || true
}

publish_through() { # more settings of the bridge
    printf 'listener %s 127.0.0.1\nallow_anonymous true\n' "$far" >far.conf
    cat >near.conf <<CONF
listener $near 127.0.0.1
allow_anonymous true
connection to-far
address 127.0.0.1:$far
topic # both 1 in/ out/
restart_timeout 1
$1
CONF
    start far
    start near
    sub "$far" "\$SYS/broker/connection/+/state" 30 "%p" >/dev/null # the bridge is connected
    sleep 1
    sub "$far" out/message 30 "content type: %C, response topic: %R, user property: %P" >live &
    listener=$!
    sleep 2
    usr/bin/mosquitto_pub -p "$near" -V 5 -q 1 -r -t in/message -m text \
        -D publish content-type text/plain -D publish user-property unit cm \
        -D publish response-topic in/answer -D publish message-expiry-interval 2
    wait "$listener"
    sleep 4
    echo "passed on: $(cat live)"
    echo "after its expiry, at its own broker: $(sub "$near" in/message 2 "%p")"
    echo "after its expiry, at the other side: $(sub "$far" out/message 2 "%p")"
    # shellcheck disable=SC2086 # several processes
    kill $started
    wait
    started=""
}
echo "--- as it is by itself"
publish_through "" | tee by_itself
echo "--- with bridge_protocol_version mqttv50"
publish_through "bridge_protocol_version mqttv50" | tee with_5
cat >expected_by_itself <<'EXPECTED'
passed on: content type: , response topic: , user property: 
after its expiry, at its own broker: 
after its expiry, at the other side: text
EXPECTED
cat >expected_with_5 <<'EXPECTED'
passed on: content type: text/plain, response topic: in/answer, user property: unit:cm
after its expiry, at its own broker: 
after its expiry, at the other side: 
EXPECTED
echo "---"
if cmp -s by_itself expected_by_itself && cmp -s with_5 expected_with_5; then
    echo "As described: properties are lost without the setting, and the response topic is not mapped with it."
else
    echo "Not as described any more."
    exit 1
fi
