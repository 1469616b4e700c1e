// Makes classes from an AsyncAPI document with AsyncAPI's own generator: node generate.js FILE. Writes {language: {class: code}}.
const fs = require('fs');
const { CSharpGenerator, JavaGenerator, PythonGenerator, TypeScriptGenerator, CSHARP_JSON_SERIALIZER_PRESET, PYTHON_PYDANTIC_PRESET } = require('@asyncapi/modelina');

const document = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const generators = {
  csharp: new CSharpGenerator({ presets: [CSHARP_JSON_SERIALIZER_PRESET] }),
  java: new JavaGenerator(),
  python: new PythonGenerator({ presets: [PYTHON_PYDANTIC_PRESET] }),
  typescript: new TypeScriptGenerator(),
};

(async () => {
  const made = {};
  for (const [language, generator] of Object.entries(generators)) {
    made[language] = {};
    for (const model of await generator.generate(document)) {
      made[language][model.modelName] = [...model.dependencies, model.result].join('\n');
    }
  }
  fs.writeFileSync(process.argv[3], JSON.stringify(made));
})();
