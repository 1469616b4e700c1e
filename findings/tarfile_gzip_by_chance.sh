#!/bin/sh
# tarfile: whether a packed table is a tar depends on the second in which it was packed.
#
# A good guess: is_tarfile unpacks a gzip file and looks at what is in it, so that a packed table of pictures is never
# a tar. Seen with CPython 3.10 to 3.13: it tries the file's own bytes as a bare tar first. The check there is a sum
# of 512 bytes, read as signed bytes too, and an empty field for the sum counts as 0. A long line of equal pixels packs
# to zeros, so that the field is empty, and the sum depends on the few bytes before, among them the date. One or two
# of a thousand such files are a tar with one nameless file. tarfile.open takes them, too, and a reader that asks
# is_tarfile first finds an archive without a table in it. What helps: choose the packing by the first bytes, then ask
# tarfile.open(path, "r:gz"), which unpacks and does not guess.
#
# Needs python3. Installs nothing.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
if python3 - <<'PYTHON'
import gzip
import io
import struct
import sys
import tarfile

print("Python", sys.version.split()[0])
table = b"emotion,pixels\n" + b"7 " * 3_000_000 + b"\n"
packed = gzip.compress(table, mtime=0)
FIRST, SECONDS = 1_795_900_000, 40_000  # half a day in November 2026


def packed_at(second):
    return packed[:4] + struct.pack("<I", second) + packed[8:]


taken = [second for second in range(FIRST, FIRST + SECONDS) if tarfile.is_tarfile(io.BytesIO(packed_at(second)))]
print(f"{len(taken)} of {SECONDS} seconds give a file that is_tarfile takes for a tar")
if not taken:
    sys.exit(1)
content = packed_at(taken[0])
with tarfile.open(fileobj=io.BytesIO(content)) as archive:
    print("tarfile.open finds", len(archive.getmembers()), "file in it")
print("gzip unpacks the table whole:", gzip.decompress(content) == table)
try:
    tarfile.open(fileobj=io.BytesIO(content), mode="r:gz")
    sys.exit(1)
except tarfile.ReadError as error:
    print("with r:gz:", error)
PYTHON
then
    echo "As described: by chance the packed bytes pass for a tar."
else
    echo "Not as described any more."
    exit 1
fi
