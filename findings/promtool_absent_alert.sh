#!/bin/sh
# promtool: a unit test that an alert is NOT raised passes for an alert that no rule has, and without any rules.
#
# A good guess: a test that names an alert fails where no loaded rule has that name, as pytest fails for a test that is
# not there. Seen: a misspelt name with `exp_alerts: []` is a SUCCESS. So is a test whose `rule_files` match no file at
# all: there is a warning, and the exit status is 0. So such a test proves nothing after an alert is renamed. What
# helps: test the same name once with an alert that is expected.
#
# Needs Debian 12 (apt-get, dpkg). Installs nothing: the package is unpacked in a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=2.42.0+ds-5+deb12u1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
if ! apt-get download -q "prometheus=$version" >/dev/null 2>&1; then
    apt-get update -q >/dev/null
    apt-get download -q "prometheus=$version" >/dev/null
fi
dpkg -x prometheus_*.deb .
promtool="$folder/usr/bin/promtool"
"$promtool" --version | head -1

cat >rules.yml <<'RULES'
groups:
  - name: disk
    rules:
      - alert: DiskFull
        expr: disk_free_percent < 5
RULES

test_file() { # name of the alert, pattern of the rule files
    cat <<TEST
rule_files: [$2]
tests:
  - interval: 1m
    input_series:
      - {series: disk_free_percent, values: 1x10}  # the disk is full, so the alert is raised
    alert_rule_test:
      - {eval_time: 5m, alertname: $1, exp_alerts: []}
TEST
}
test_file DiskFull rules.yml >right.yml
test_file DiskFul rules.yml >misspelt.yml
test_file DiskFull rulez.yml >no_rules.yml

seen=""
for name in right misspelt no_rules; do
    status=0
    "$promtool" test rules "$name.yml" >"$name.out" 2>&1 || status=$?
    echo "--- $name.yml: exit status $status"
    cat "$name.out"
    seen="$seen $name=$status"
done
echo "---"
if [ "$seen" = " right=1 misspelt=0 no_rules=0" ]; then
    echo "As described: only the test with the right name fails, although the alert is raised in all three."
else
    echo "Not as described any more:$seen"
    exit 1
fi
