#!/bin/sh
# tflite-runtime: installed alone, it is imported without a word and then cannot open any model.
#
# A good guess: what pip installs into an empty environment works, since it brings all that its metadata ask for. And
# a package that does not fit its NumPy fails when it is imported, as others do. Seen with tflite-runtime 2.14.0, its
# last release: it asks for numpy>=1.23.2 without an upper bound, so that it gets NumPy 2. `pip check` finds nothing,
# and `import` is silent. Only the constructor of Interpreter ends with SystemError. So a program that chooses its
# runtime by what can be imported chooses a broken one. What helps: `numpy<2` beside it, or LiteRT, and a trial
# inference in place of an import.
#
# Needs python3.11 with venv, as Debian 12 has: there are no wheels for later versions. Installs nothing outside of a
# temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3.11 -m venv env
pip() {
    env/bin/python -m pip "$@" --disable-pip-version-check
}
# A model of one operator: it quantizes eight numbers.
base64 -d >model.tflite <<'MODEL'
CAAAAFRGTDPK////FAAAABwAAAAgAAAATAEAAAMAAAABAAAABAAAAIz///8BAAAAeAAAAAEAAAAUAAAAAAAOABgAFAAQAAwACAAEAA4AAAAUAA
AAHAAAAFwAAABgAAAAZAAAAAQAAABtYWluAAAAAAEAAAAUAAAAAAAOABQAAAAQAAwACwAEAA4AAAAUAAAAAAAAWRAAAAAUAAAABAAEAAQAAAAB
AAAAAQAAAAEAAAAAAAAAAQAAAAEAAAABAAAAAAAAAAIAAAB8AAAAFAAAAAAADgAUABAADwAAAAgABAAOAAAAHAAAADwAAAAAAAAJPAAAAAwADA
AAAAAACAAEAAwAAAAIAAAAFAAAAAEAAAAAAAAAAAAAAAAAAAABAAAAAACAPwEAAAB5AAAAAgAAAAEAAAAIAAAADAAMAAgAAAAAAAQADAAAAAgA
AAAMAAAAAQAAAHgAAAACAAAAAQAAAAgAAAABAAAAEAAAAAwAEAAPAAAACAAEAAwAAAByAAAAAgAAAAAAAHI=
MODEL
cat >look.py <<'PYTHON'
import sys

import numpy
from tflite_runtime.interpreter import Interpreter

print(f"imported, with NumPy {numpy.__version__}", end=": ")
try:
    interpreter = Interpreter(model_path="model.tflite")
except SystemError as error:
    print("no interpreter:", str(error).split(" of ")[0].strip("<"))
    sys.exit(3)
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], numpy.full((1, 8), 2.2, numpy.float32))
interpreter.invoke()
print("an inference gives", interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).ravel().tolist())
PYTHON
pip install -q tflite-runtime==2.14.0 2>log
alone=0
pip check || alone=$?
status=0
env/bin/python look.py 2>said || status=$?
echo "--- alone: pip check $alone, exit status $status, $(grep -c . said) lines of warnings"
pip install -q 'numpy<2' 2>log
with_older=0
env/bin/python look.py 2>>said || with_older=$?
echo "--- with numpy<2: exit status $with_older"
if [ "$alone,$status,$with_older" = 0,3,0 ]; then
    echo "As described: with what its metadata ask for it cannot open a model, and only that shows it."
else
    tail -5 log said
    echo "Not as described any more."
    exit 1
fi
