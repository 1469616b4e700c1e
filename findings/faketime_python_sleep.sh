#!/bin/sh
# faketime: where the monotonic clock is left alone, time.sleep of Python 3.11 and later fails with "Invalid argument".
#
# A good guess: `faketime --exclude-monotonic -f +5y` changes the date of a program, and its sleeps stay as they are.
# Seen: with faketime 0.9.10 of Debian 12, time.sleep(0.01) raises OSError 22 (EINVAL). Python sleeps until a moment of
# the monotonic clock (clock_nanosleep with TIMER_ABSTIME), and that moment is shifted by five years all the same. With
# the monotonic clock faked too, it works. What helps where that clock must stay true: a library of ten lines that
# shifts time(), gettimeofday() and clock_gettime(CLOCK_REALTIME) alone.
#
# Needs Debian 12 (apt-get, dpkg, python3). Installs nothing: the packages are unpacked in a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
version=0.9.10-2.1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
if ! apt-get download -q "libfaketime=$version" >/dev/null 2>&1; then
    apt-get update -q >/dev/null
    apt-get download -q "libfaketime=$version" >/dev/null
fi
dpkg -x libfaketime_*.deb .
library=$(find "$folder" -name libfaketime.so.1 | head -1)
echo "libfaketime $version, $(/usr/bin/python3 --version), $(ldd --version | head -1), Linux $(uname -r)"

sleep_under() { # what else is in the environment
    status=0
    env FAKETIME=+5y LD_PRELOAD="$library" "$@" /usr/bin/python3 -c '
import time
print(time.strftime("the year is %Y"), flush=True)
time.sleep(0.01)
print("slept")' >out 2>&1 || status=$?
    tail -2 out
    echo "--- $*: exit status $status"
}
/usr/bin/python3 -c 'import time; time.sleep(0.01); print("slept")'
echo "--- without: exit status 0"
sleep_under FAKETIME_DONT_FAKE_MONOTONIC=0
first=$status
grep -q "Invalid argument" out && first="$first EINVAL"
sleep_under FAKETIME_DONT_FAKE_MONOTONIC=1
second=$status
grep -q "Invalid argument" out && second="$second EINVAL"
if [ "$first, $second" = "0, 1 EINVAL" ]; then
    echo "As described: it sleeps where the monotonic clock is faked too, and cannot sleep where it is left alone."
else
    echo "Not as described any more: $first, $second"
    exit 1
fi
