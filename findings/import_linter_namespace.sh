#!/bin/sh
# import-linter: modules in a folder without __init__.py are not looked at, and every contract about them is kept.
#
# A good guess: Python imports them (as a namespace package), so the linter of imports sees them, or says that it does
# not. And a contract with `exhaustive = true` fails for a module that stands in no layer. Seen with import-linter
# 2.17: a forbidden import in such a folder leaves the contract KEPT, with exit status 0 and no warning. So does a
# whole such folder that stands in no layer. Only the number of analyzed files would show it. What helps: a test that
# each folder with modules has an __init__.py, or ruff's rule INP001.
#
# Needs python3 with venv, 3.10 or later. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/python -m pip install -q --disable-pip-version-check import-linter==2.17 grimp==3.20
mkdir -p shop/pages shop/store/export shop/tools
touch shop/__init__.py shop/pages/__init__.py shop/store/__init__.py
echo 'TITLE = "Shop"' >shop/pages/texts.py
echo 'from shop.pages.texts import TITLE' >shop/store/export/csv.py # a lower layer imports a higher one
echo 'from shop.pages.texts import TITLE' >shop/tools/mail.py       # and this package is in no layer
cat >.importlinter <<'CONTRACT'
[importlinter]
root_package = shop

[importlinter:contract:layers]
name = The store knows no pages
type = layers
containers = shop
exhaustive = true
layers =
    pages
    store
CONTRACT
env/bin/python -m pip list --disable-pip-version-check | grep -E '^(import-linter|grimp) '

lint() { # what there is
    status=0
    env/bin/lint-imports --no-cache >out 2>&1 || status=$?
    echo "--- $1: exit status $status"
    grep -E "^(Analyzed|Contracts:)|KEPT|BROKEN|not allowed|exhaustive|xpected" out || true
    seen="$seen $status"
}
seen=""
env/bin/python -c 'import shop.store.export.csv, shop.tools.mail; print("Python imports both")'
lint "without __init__.py in export and tools"
touch shop/store/export/__init__.py
lint "with it in export"
rm shop/store/export/__init__.py
touch shop/tools/__init__.py
lint "with it in tools"
echo "---"
if [ "$seen" = " 0 1 1" ]; then
    echo "As described: the two faults are found only where the folders have an __init__.py."
else
    cat out
    echo "Not as described any more:$seen"
    exit 1
fi
