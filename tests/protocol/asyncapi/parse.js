// Puts an AsyncAPI document through the official parser: node parse.js FILE. Leaves with 1 where it is not accepted.
const fs = require('fs');
const { Parser } = require('@asyncapi/parser');

new Parser().parse(fs.readFileSync(process.argv[2], 'utf8')).then(({ document, diagnostics }) => {
  console.log(JSON.stringify({
    diagnostics: diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path: path.join('.') })),
    channels: document ? document.allChannels().all().map((channel) => channel.address()) : [],
    operations: document ? document.allOperations().all().map((operation) => operation.id()) : [],
  }));
  process.exit(document ? 0 : 1);
});
