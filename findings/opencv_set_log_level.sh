#!/bin/sh
# OpenCV for Python: the function that sets the level of its log changed its name within version 4, without overlap.
#
# A good guess: a program for OpenCV 4 that silences OpenCV's log runs with every 4.x. Seen: up to 4.12 there is
# cv2.setLogLevel and no module cv2.utils.logging. From 4.13 on it is the other way round, and there is no release with
# both. So either name ends with AttributeError under an OpenCV 4 that a bound such as `opencv-python-headless>=4.10,<5`
# allows. What helps: look for one name, and take the other where it is missing.
#
# Needs python3 with venv and a package index. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
cat >look.py <<'PROGRAM'
import cv2

names = {
    "cv2.setLogLevel(0)": lambda: cv2.setLogLevel(0),
    "cv2.utils.logging.setLogLevel(...)": lambda: cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT),
}
works = []
for name, call in names.items():
    try:
        call()
        print(f"OpenCV {cv2.__version__}: {name} works")
        works.append("1")
    except AttributeError as error:
        print(f"OpenCV {cv2.__version__}: {name}: AttributeError: {error}")
        works.append("0")
print("".join(works))
PROGRAM
seen=""
for version in 4.12.0.88 4.13.0.92; do
    env/bin/python -m pip install -q --disable-pip-version-check 'numpy==2.2.6' "opencv-python-headless==$version"
    env/bin/python look.py >out
    cat out
    seen="$seen $(tail -1 out)"
done
echo "---"
if [ "$seen" = " 10 01" ]; then
    echo "As described: the one name works up to 4.12 alone, the other from 4.13 on alone."
else
    echo "Not as described any more:$seen"
    exit 1
fi
