#!/bin/sh
# AsyncAPI's generator Modelina: a `const` that is no string becomes the word "undefined" in the generated code. One
# that is a string breaks the Pydantic class.
#
# A good guess: a constant is what a generator of classes copies most easily. In AsyncAPI documents `const` marks
# versions and kinds of messages, so their official generator knows it in each language. Seen with @asyncapi/modelina
# 5.10.1, which ends without a word of warning:
# 1. `{"type": "integer", "const": 1}` becomes `= undefined` in Python and C#. A Python object cannot be made:
#    NameError.
# 2. The Pydantic preset makes it `default='undefined'`, a text in a field of numbers.
# 3. With this preset `{"type": "string", "const": "reading"}` becomes `default=''reading''`: no Python at all.
# Plain Python and C# have the string right. What helps: `minimum` and `maximum` with the same value for a number, and
# an `enum` with one value for a string.
#
# Needs Node.js 18 or later with npm, and python3. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --prefix "$folder" --no-audit --no-fund --silent @asyncapi/modelina@5.10.1
node -p "'Modelina ' + require('$folder/node_modules/@asyncapi/modelina/package.json').version"

cat >generate.js <<'SCRIPT'
const fs = require('fs');
const { CSharpGenerator, PythonGenerator, PYTHON_PYDANTIC_PRESET } = require('@asyncapi/modelina');

const generators = {
  plain: new PythonGenerator(),
  pydantic: new PythonGenerator({ presets: [PYTHON_PYDANTIC_PRESET] }),
  csharp: new CSharpGenerator(),
};
const fields = {
  number: { type: 'integer', const: 1 },
  text: { type: 'string', const: 'reading' },
  limits: { type: 'integer', minimum: 1, maximum: 1, default: 1 },
};

(async () => {
  for (const [generator, made] of Object.entries(generators)) {
    for (const [name, field] of Object.entries(fields)) {
      const schema = {
        $schema: 'http://json-schema.org/draft-07/schema#',
        title: 'Message',
        type: 'object',
        properties: { field },
        required: ['field'],
        additionalProperties: false,
      };
      const models = await made.generate(schema);
      fs.writeFileSync(`${generator}_${name}`, models.map((model) => model.result).join('\n'));
    }
  }
})();
SCRIPT
node generate.js

cat >look.py <<'PYTHON'
import sys
from pathlib import Path
from typing import Any, Dict


def line(name):
    return next(text.strip() for text in Path(name).read_text().splitlines() if " field" in text or "_field" in text)


def outcome(name):
    """What becomes of the class when Python reads it and, where it needs no package, makes an object."""
    text = Path(name).read_text()
    try:
        code = compile(text, name, "exec")
    except SyntaxError:
        return "SyntaxError"
    if name.startswith("pydantic"):
        return "can be read"
    known = {"Any": Any, "Dict": Dict}
    exec(code, known)
    try:
        known["Message"]({"field": 1})
    except NameError as error:
        return f"NameError: {error}"
    return "an object"


seen = {}
for field in ("number", "text", "limits"):
    print(f"--- {field}")
    for generator in ("plain", "pydantic", "csharp"):
        name = f"{generator}_{field}"
        seen[name] = outcome(name) if generator != "csharp" else "undefined" if "undefined" in line(name) else "a value"
        print(f"{generator:9} {line(name):60} {seen[name]}")
numbers_are_text = "default='undefined'" in line("pydantic_number")
expected = {
    "plain_number": "NameError: name 'undefined' is not defined",
    "pydantic_number": "can be read",
    "csharp_number": "undefined",
    "plain_text": "an object",
    "pydantic_text": "SyntaxError",
    "csharp_text": "a value",
    "plain_limits": "an object",
    "pydantic_limits": "can be read",
    "csharp_limits": "a value",
}
sys.exit(0 if seen == expected and numbers_are_text else 1)
PYTHON
echo "---"
if python3 look.py; then
    echo "As described: constants are lost or break the code, and nothing is said."
else
    echo "Not as described any more."
    exit 1
fi
