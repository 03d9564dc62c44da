import { flagName, specFlags } from '@elbo/cli/spec/flags';
import { allowedBy } from '@elbo/cli/spec/spec-schema';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { z } from 'zod';
import { code, table } from './markdown.mjs';

/** The JSON Schema of what a person may write. */
export function runSpecJsonSchema() {
  return {
    title: 'Run spec of Elbo',
    description: 'All that decides the result of a run, and nothing that does not.',
    ...z.toJSONSchema(runSpecSchema, { io: 'input' }),
  };
}

export function specReference() {
  const { properties } = runSpecJsonSchema();
  const isSection = ([, node]) => node.properties !== undefined;
  const fields = Object.entries(properties);
  const sections = fields.filter(isSection).map(([name, node]) => section(name, node));
  return `# The run spec

All that decides the result of a run, and nothing that does not: the same spec gives the same bits. A YAML or JSON file
that \`elbo train\` and \`elbo submit\` take, and the body that the [HTTP API](api.md) takes; every field is a flag too, and
flags go before the file. What is left out has its default. [run-spec.schema.json](run-spec.schema.json) is the same as
a JSON Schema; an editor with YAML support completes and checks a file that begins with its address:

\`\`\`yaml
# yaml-language-server: $schema=docs/reference/run-spec.schema.json
dataset: { name: mnist, pixels: dynamic }
model: { latentDim: 10, encoder: { hidden: [400, 200] }, decoder: { hidden: [200, 400] } }
training: { epochs: 20, optimizer: { kind: adamw } }
\`\`\`

The data sets \`gaussian-mixture\` and \`probabilistic-pca\` bring defaults of their own for \`model\`: they are of real
numbers. The run folder's \`spec.yaml\` has every field, filled in.

## The run

${fieldTable(fields.filter((each) => !isSection(each)).flatMap(([name, node]) => rows(name, node)))}

${sections.join('\n\n')}
`;
}

function section(name, node) {
  const fields = Object.entries(node.properties).flatMap(([key, child]) => rows(`${name}.${key}`, child));
  return `## ${name}\n\n${node.description}\n\n${fieldTable(fields)}`;
}

function fieldTable(fields) {
  return table(['field', 'what it may be', 'default', 'flag', 'meaning'], fields);
}

/** A line for the field, and for each field in it. */
function rows(path, node, kind = null) {
  if (node.oneOf) {
    const kinds = node.oneOf.map((option) => option.properties.kind.const);
    const chosen = [code(`${path}.kind`), kinds.map(code).join(', '), code(node.default.kind), flagsOf(`${path}.kind`)];
    return [[...chosen, node.description], ...fieldsOfKinds(path, node)];
  }
  if (node.properties) return Object.entries(node.properties).flatMap(([key, child]) => rows(`${path}.${key}`, child));
  const meaning = `${kind ? `Of ${kind}. ` : ''}${node.description ?? ''}`;
  return [[code(path), allowed(node), defaultOf(node), flagsOf(path), meaning]];
}

/** Fields that several kinds have stand there once. */
function fieldsOfKinds(path, node) {
  const names = new Set(node.oneOf.flatMap((option) => Object.keys(option.properties)));
  names.delete('kind');
  return [...names].flatMap((name) => {
    const having = node.oneOf.filter((option) => option.properties[name]);
    const kinds = having.map((option) => code(option.properties.kind.const)).join(' and ');
    return rows(`${path}.${name}`, having[0].properties[name], kinds);
  });
}

function allowed(node) {
  if (node.enum) return node.enum.map(code).join(', ');
  if (node.pattern) return `text that fits ${code(node.pattern)}`;
  return allowedBy(node);
}

function defaultOf(node) {
  return node.default === undefined ? '' : code(JSON.stringify(node.default).replaceAll('"', ''));
}

function flagsOf(path) {
  const flags = specFlags.filter(({ fields }) => fields.some((each) => !each.implied && each.path.join('.') === path));
  return path === 'dataset.name' ? 'the argument' : flags.map((flag) => code(flagName(flag))).join(', ');
}
