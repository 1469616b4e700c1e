#!/bin/sh
# systemd-analyze verify: a misspelt setting of a unit passes, also one for its protection. Whoever wants it to fail
# has to ask for errors that are NOT recursive.
#
# A good guess: `systemd-analyze verify` ends with another exit status than 0 where it finds a mistake in the unit
# that it is given. --recursive-errors only says how it treats the units that this one depends on. Seen with systemd
# 252: a program that does not exist gives 1. An unknown setting (ProtectSytem=), a value that is none
# (ProtectSystem=strictly) and a limit that is none (MemoryMax=lots) are warnings, and the status is 0. The service
# starts without them. With `--recursive-errors=no`, which sounds like less, all three give 1. What helps: that
# option, or a test that verify writes nothing at all.
#
# Needs Debian 12 (apt-get, dpkg). Installs nothing: the packages are unpacked in a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=252.39-1~deb12u2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
packages="systemd=$version libsystemd-shared=$version"
# shellcheck disable=SC2086 # several packages
if ! apt-get download -q $packages >/dev/null 2>&1; then
    apt-get update -q >/dev/null
    apt-get download -q $packages >/dev/null
fi
for package in *.deb; do
    dpkg -x "$package" .
done
LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu):$(echo "$folder"/usr/lib/*-linux-gnu/systemd)
export LD_LIBRARY_PATH
analyze="$folder/usr/bin/systemd-analyze"
[ -x "$analyze" ] || analyze="$folder/bin/systemd-analyze"
"$analyze" --version | head -1

unit() { # name, a line of the section Service
    printf '[Unit]\nDescription=An example\n\n[Service]\nExecStart=/bin/true\n%s\n' "$2" >"$1.service"
}
unit clean "ProtectSystem=strict"
unit misspelt "ProtectSytem=strict"
unit wrong_value "ProtectSystem=strictly"
unit wrong_limit "MemoryMax=lots"
unit no_program "ExecStartPre=/no/such/program"
seen=""
for name in clean misspelt wrong_value wrong_limit no_program; do
    plain=0
    "$analyze" verify "./$name.service" >out 2>&1 || plain=$?
    strict=0
    "$analyze" verify --recursive-errors=no "./$name.service" >/dev/null 2>&1 || strict=$?
    echo "$name: $plain, with --recursive-errors=no: $strict. $(sed "s|$folder/./||; s|$folder/||" out | head -1)"
    seen="$seen $plain$strict"
done
if [ "$seen" = " 00 01 01 01 11" ]; then
    echo "As described: only the missing program fails by itself."
else
    echo "Not as described any more:$seen"
    exit 1
fi
