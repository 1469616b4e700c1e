#!/bin/sh
# fpdf2: the standard fonts refuse the euro sign and curly quotes, which the encoding that the file names has.
#
# A good guess: PDF's own fonts, such as Helvetica, have what Windows' code page 1252 has. For fpdf2 writes into each
# file that this is the encoding (WinAnsiEncoding). Seen with fpdf2 2.8.9: an apostrophe (’), „quotes“, a dash (–),
# the euro sign, Š, Œ and … end with FPDFUnicodeEncodingException, which advises another font. The text is first
# encoded as Latin-1, whatever the file says. With the attribute `core_fonts_encoding = "windows-1252"` the same font
# takes them all, and other programs read them from the file. French and German texts need them.
#
# Needs python3 with venv, 3.10 or later. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check fpdf2==2.8.9 pypdf==6.1.1
cat >look.py <<'PYTHON'
import importlib.metadata
import io
import sys

import pypdf
from fpdf import FPDF
from fpdf.errors import FPDFUnicodeEncodingException

LETTERS = "’„“–€ŠŒ…"


def page(encoding=None):
    document = FPDF()
    if encoding:
        document.core_fonts_encoding = encoding
    document.set_compression(False)
    document.add_page()
    document.set_font("helvetica", size=12)
    return document


print("fpdf2", importlib.metadata.version("fpdf2"))
refused = ""
for letter in LETTERS:
    try:
        page().cell(text=letter)
    except FPDFUnicodeEncodingException:
        refused += letter
document = page()
document.cell(text="caf\u00e9")
declares = b"/WinAnsiEncoding" in bytes(document.output())
print(f"refused: {refused} of {LETTERS}; the file of another text declares WinAnsiEncoding: {declares}")
document = page("windows-1252")
document.cell(text=LETTERS)
read = pypdf.PdfReader(io.BytesIO(bytes(document.output()))).pages[0].extract_text()
print("with the attribute, read back from the file:", read)
sys.exit(0 if refused == LETTERS and declares and read == LETTERS else 1)
PYTHON
if env/bin/python look.py; then
    echo "As described: refused by itself, and all there with one attribute."
else
    echo "Not as described any more."
    exit 1
fi
