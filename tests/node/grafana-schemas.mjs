// Writes Grafana's published types as JSON Schemas by name: node grafana-schemas.mjs 11.6 timeseries,stat,... > schemas.json
// Board, and for each panel type <type>_Options and, where it has one, <type>_FieldConfig.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SchemaGenerator, createFormatter, createParser, createProgram } from 'ts-json-schema-generator';

const [release, panelTypes] = process.argv.slice(2);
const here = import.meta.dirname;
const home = join(here, 'node_modules', `grafana-schema-${release}`);
const root = join(home, 'dist');

// Up to 11.6 the types lie beside the code and carry the name of what they describe.
function typesIn(folder) {
  for (const base of ['types', 'esm']) {
    const at = join(root, base, 'raw', folder, 'x');
    const file = existsSync(at) && readdirSync(at).find((name) => name.endsWith('types.gen.d.ts'));
    if (file) return join(at, file);
  }
  throw new Error(`Grafana ${release} publishes no types of ${folder}`);
}

const folder = mkdtempSync(join(here, 'node_modules', '.types-'));
try {
  const imports = [`import type * as dashboard from '${typesIn('dashboard')}';`];
  const types = { Board: 'dashboard.Dashboard' };
  for (const type of panelTypes.split(',')) {
    const file = typesIn(`composable/${type}/panelcfg`);
    const text = readFileSync(file, 'utf8');
    imports.push(`import type * as ${type} from '${file}';`);
    for (const name of ['Options', 'FieldConfig']) {
      if (text.includes(`export interface ${name}`)) types[`${type}_${name}`] = `Partial<${type}.${name}>`;
    }
  }
  const path = join(folder, 'types.ts');
  const exports = Object.entries(types).map(([name, type]) => `export type ${name} = ${type};`);
  writeFileSync(path, [...imports, ...exports].join('\n'));
  const tsconfig = join(folder, 'tsconfig.json');
  const { types: index } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const compilerOptions = {
    module: 'esnext', moduleResolution: 'bundler', skipLibCheck: true, strict: true,
    paths: { '@grafana/schema': [join(home, index)] },
  };
  writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: ['types.ts'] }));
  const config = { path, tsconfig, skipTypeCheck: true };
  const program = createProgram(config);
  const schemas = {};
  for (const type of Object.keys(types)) {
    const made = { ...config, type };
    schemas[type] = new SchemaGenerator(program, createParser(program, made), createFormatter(made), made).createSchema(type);
  }
  process.stdout.write(JSON.stringify(schemas));
} catch (error) {
  process.stderr.write(`Grafana ${release}: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
