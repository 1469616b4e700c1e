#!/bin/sh
# AsyncAPI: the official parser compares the examples of messages with their schema up to version 2.6 of the format.
# In a document of version 3 it takes any example.
#
# A good guess: both versions of the specification demand that an example fits the payload, and the parser refuses a
# document of 2.6 where it does not. So it does the same after the move to 3.0: same parser, same message, same
# example. Seen with @asyncapi/parser 3.6.6: a word in place of a number, a required field that is missing, a field
# that the schema forbids and a wrong header are each an error in 2.6.0, and no document comes out. In 3.0.0 all four
# pass without an error or a warning. A mistake in the schema itself is an error in both. So a project that trusts in
# "the contract is valid" loses this check when it moves to the new version. Its examples then go out of date, in the
# documentation and in whatever plays them back. What helps: compare examples with schemas in a test of your own.
#
# Needs Node.js 18 or later with npm. Installs nothing outside of a temporary folder.
# Exits with 0 where it is as described, and with 1 where it is not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --silent @asyncapi/parser@3.6.6
node -p "'@asyncapi/parser ' + require('$folder/node_modules/@asyncapi/parser/package.json').version"

cat >look.js <<'SCRIPT'
const { Parser } = require('@asyncapi/parser');

const info = { title: 'Rooms', version: '1.0.0' };
const around = {
  '2.6.0': (message) => ({
    asyncapi: '2.6.0',
    info,
    channels: { 'room/level': { subscribe: { operationId: 'sendLevel', message } } },
  }),
  '3.0.0': (message) => ({
    asyncapi: '3.0.0',
    info,
    channels: { level: { address: 'room/level', messages: { reading: message } } },
    operations: { sendLevel: { action: 'send', channel: { $ref: '#/channels/level' } } },
  }),
};
const message = (example, type = 'number') => ({
  contentType: 'application/json',
  headers: { type: 'object', properties: { sequence: { type: 'integer' } } },
  payload: { type: 'object', required: ['level'], additionalProperties: false, properties: { level: { type } } },
  examples: [example],
});
const cases = {
  'an example that fits': [message({ payload: { level: 0.5 } }), 'taken', 'taken'],
  'a word for a number': [message({ payload: { level: 'high' } }), 'refused', 'taken'],
  'a field missing': [message({ payload: {} }), 'refused', 'taken'],
  'a field too many': [message({ payload: { level: 0.5, colour: 'red' } }), 'refused', 'taken'],
  'a wrong header': [message({ headers: { sequence: 'first' }, payload: { level: 0.5 } }), 'refused', 'taken'],
  'a type that is none': [message({ payload: { level: 0.5 } }, 'nummer'), 'refused', 'refused'],
};

(async () => {
  const parser = new Parser();
  let asDescribed = true;
  for (const [name, [made, ...expected]] of Object.entries(cases)) {
    for (const [index, version] of Object.keys(around).entries()) {
      const { document, diagnostics } = await parser.parse(JSON.stringify(around[version](made)));
      const errors = diagnostics.filter((found) => found.severity === 0);
      const warnings = diagnostics.filter((found) => found.severity === 1);
      const outcome = document && !errors.length ? 'taken' : 'refused';
      console.log(`${version}  ${name.padEnd(20)}  ${outcome.padEnd(7)}  ${errors.length ? errors[0].message : ''}`);
      const silent = version !== '3.0.0' || outcome !== 'taken' || warnings.length === 0;
      asDescribed = asDescribed && outcome === expected[index] && silent;
    }
  }
  process.exit(asDescribed ? 0 : 1);
})();
SCRIPT
if node look.js; then
    echo "As described: examples that break their schema are errors in 2.6.0 and are taken in 3.0.0."
else
    echo "Not as described any more."
    exit 1
fi
