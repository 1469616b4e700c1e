#!/bin/sh
# The tests of alert rules and of the Grafana dashboard's queries need Prometheus and promtool. Installs them with apt where
# that is possible, else says what is missing; those tests are then skipped.
set -eu
if command -v prometheus >/dev/null && command -v promtool >/dev/null; then exit 0; fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then as_root="sudo -n"; fi
if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    $as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends prometheus >/dev/null || true
    # The package starts services that nobody here asked for.
    $as_root systemctl disable --now prometheus prometheus-node-exporter >/dev/null 2>&1 || true
fi
if ! command -v promtool >/dev/null; then
    echo "Prometheus is not tested: sudo apt-get install prometheus" >&2
fi
