#!/bin/sh
# Usage: ensure-package.sh PROGRAM PACKAGE. Installs a program for the tests of the integration pack with apt where that is
# possible. Else it says what is missing, and those tests are skipped.
set -eu
program=$1 package=$2
if command -v "$program" >/dev/null; then exit 0; fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then as_root="sudo -n"; fi
if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
    $as_root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends "$package" >/dev/null || true
    # A package may start a service that nobody here asked for.
    $as_root systemctl disable --now "$package" >/dev/null 2>&1 || true
fi
if ! command -v "$program" >/dev/null; then
    echo "$program is missing and what needs it is not tested: sudo apt-get install $package" >&2
fi
