#!/bin/sh
# fastparquet: times in whole seconds are written as minutes of 1970, and their last three digits are lost.
#
# A good guess: the writer turns each unit of time that pandas has into one that the format has, and what is written
# can be read back. Seen with fastparquet 2025.12.0 and 2026.9.0, and a column of type datetime64[s]:
# 12:34:56 on 1 March 2026 is in the file as 00:29:32.368 on 1 January 1970. The format has milliseconds as its largest
# unit, and the number of seconds is divided by a thousand for them, where it should be multiplied. The rest of the
# division is lost, so that times within a thousand seconds become one. There is no error and no warning. pyarrow
# reads 1970. fastparquet itself cannot read this column: ValueError. 2024.11.0 writes it rightly, and each version
# writes milliseconds, microseconds and nanoseconds rightly. pandas hands its to_parquet(engine="fastparquet") to the
# same code. Seconds are what NumPy makes of a text without a fraction, and what logs of devices have. What helps:
# .dt.as_unit("ms") before writing, or pyarrow.
#
# Needs python3 with venv, 3.10 to 3.13. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check numpy==2.2.6 pandas==2.3.3 pyarrow==22.0.0
cat >look.py <<'PYTHON'
import sys
import warnings

import fastparquet
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

TIMES = np.array(["2026-03-01T12:34:56", "2026-03-01T12:34:57", "2026-03-01T12:50:00"])
broken = sys.argv[1] == "broken"
as_described = True
print(f"fastparquet {fastparquet.__version__}, pandas {pd.__version__}")
for unit in ("s", "ms", "us", "ns"):
    for through in ("fastparquet", "pandas"):
        table = pd.DataFrame({"time": TIMES.astype(f"datetime64[{unit}]")})
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            if through == "pandas":
                table.to_parquet("times.parquet", engine="fastparquet")
            else:
                fastparquet.write("times.parquet", table)
        read = pq.read_table("times.parquet")["time"].to_pylist()
        same = [np.datetime64(time) for time in read] == list(TIMES.astype("datetime64[us]"))
        try:
            own = fastparquet.ParquetFile("times.parquet").to_pandas()["time"].equals(table["time"])
        except ValueError:
            own = "ValueError"
        print(f"    {unit:2} through {through:11}: {read[0]}, {len(set(read))} of 3 differ. Read by itself: {own}")
        as_described = as_described and not caught
        if broken and unit == "s":
            as_described = as_described and read[0].year == 1970 and len(set(read)) == 2 and own == "ValueError"
        else:
            as_described = as_described and same and own is True
sys.exit(0 if as_described else 1)
PYTHON
status=0
for version in 2024.11.0 2025.12.0 2026.9.0; do
    case $version in 2024.*) expected=right ;; *) expected=broken ;; esac
    env/bin/python -m pip install -q --disable-pip-version-check "fastparquet==$version"
    env/bin/python look.py "$expected" 2>log || status=$?
done
if [ "$status" = 0 ]; then
    echo "As described: fastparquet divides seconds where it should multiply."
else
    tail -5 log
    echo "Not as described any more."
    exit 1
fi
