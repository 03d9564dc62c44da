import { createApi } from '@elbo/coordinator/http/server';
import { pino } from 'pino';
import { code, table } from './markdown.mjs';

/** The OpenAPI document that a coordinator serves at /openapi.json. */
export async function openApiDocument() {
  // The routes are described, and none is asked: there is no cluster behind it.
  const nothing = {};
  const api = await createApi({
    tokens: { full: 'x'.repeat(32), read: null },
    listenHost: '127.0.0.1',
    hostNames: [],
    directory: nothing,
    folders: nothing,
    views: nothing,
    metrics: nothing,
    queues: [],
    dashboardFolder: null,
    logger: pino({ level: 'silent' }),
  });
  const document = api.swagger();
  await api.close();
  return document;
}

export function apiReference({ info, tags, paths, components }) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, ...operation })),
  );
  const groups = tags.map(({ name, description }) => {
    const own = operations.filter((each) => each.tags?.includes(name));
    return `## ${name}\n\n${description}.\n\n${own.map(operationText).join('\n\n')}`;
  });
  // What is sent and answered alike has a twin with the ending Input; what is only sent has that ending alone.
  const schemas = Object.entries(components.schemas)
    .filter(([name]) => !(withoutInput(name) in components.schemas) || name === withoutInput(name))
    .map(([name, schema]) => [withoutInput(name), schema])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `# The HTTP API

${info.description}

\`elbo coordinator --api 127.0.0.1:7351\` (the default) serves it, with the page at /; the commands of the
[command line](cli.md) are clients of it. [openapi.json](openapi.json), which it serves too, is the same for programs.

Send \`Authorization: Bearer <token>\`: ELBO_TOKEN may do all, ELBO_READ_TOKEN (\`--read-token\`) may GET. Errors have the
status that says what kind they are, and a [Problem](#problem) that says what happened and what to do.

\`\`\`sh
curl -H "Authorization: Bearer $ELBO_TOKEN" http://127.0.0.1:7351/api/v1/runs
curl -H "Authorization: Bearer $ELBO_TOKEN" -H 'Content-Type: application/json' http://127.0.0.1:7351/api/v1/runs \\
  --data '{"spec": {"dataset": {"name": "mnist"}}}'
curl -H "Authorization: Bearer $ELBO_TOKEN" -N http://127.0.0.1:7351/api/v1/runs/mnist-1a2b3c4d/events?from=start
\`\`\`

${groups.join('\n\n')}

## Schemas

${schemas.map(([name, schema]) => schemaText(name, schema)).join('\n\n')}
`;
}

function operationText({ method, path, summary, description, parameters = [], requestBody, responses, security }) {
  const parts = [`### ${method} ${path}`, `${summary}. ${description ?? ''}`.trim()];
  parts.push(`Access: ${accessOf(method, security)}.`);
  if (parameters.length > 0) {
    const rows = parameters.map((each) => [
      code(each.name),
      each.in,
      each.required ? 'yes' : '',
      typeOf(each.schema),
      each.schema.default === undefined ? '' : code(String(each.schema.default)),
    ]);
    parts.push(table(['parameter', 'in', 'required', 'type', 'default'], rows));
  }
  if (requestBody) parts.push(`Body: ${contentOf(requestBody)}`);
  for (const [status, response] of Object.entries(responses)) {
    if (status !== 'default') parts.push(`Answer: ${status}${response.content ? ` ${contentOf(response)}` : ''}`);
  }
  return parts.join('\n\n');
}

function accessOf(method, security) {
  if (security?.length === 0) return 'no token';
  return method === 'GET' ? 'read' : 'full';
}

function contentOf({ content }) {
  return Object.entries(content)
    .map(([type, { schema }]) => (type === 'application/json' ? typeOf(schema) : code(type)))
    .join(', ');
}

function schemaText(name, schema) {
  if (name === 'RunSpec') return `### RunSpec\n\n[spec.md](spec.md)`;
  const alternatives = schema.oneOf ?? schema.anyOf;
  const tables = alternatives ? alternatives.map(alternativeText).join('\n\n') : fieldTable(schema);
  return [`### ${name}`, schema.description, tables].filter(Boolean).join('\n\n');
}

function alternativeText(schema) {
  const kind = schema.properties?.event?.const;
  if (schema.$ref) return typeOf(schema);
  return kind === undefined ? fieldTable(schema) : `#### ${kind}\n\n${fieldTable(schema)}`;
}

function withoutInput(name) {
  return name.replace(/Input$/, '');
}

function fieldTable({ properties = {}, required = [] }) {
  const rows = Object.entries(properties).map(([name, schema]) => [
    `${code(name)}${required.includes(name) ? '' : optional(schema)}`,
    typeOf(schema),
    schema.description ?? '',
  ]);
  return table(['field', 'type', 'meaning'], rows);
}

function optional({ default: value }) {
  return value === undefined ? ' (optional)' : ` (default: ${code(String(value))})`;
}

function typeOf(schema) {
  if (schema.$ref) {
    const name = withoutInput(schema.$ref.split('/').at(-1));
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum) return schema.enum.map((each) => code(String(each))).join(', ');
  const alternatives = schema.anyOf ?? schema.oneOf ?? schema.allOf;
  if (alternatives) return alternatives.map(typeOf).join(' or ');
  if (schema.prefixItems) return `[${schema.prefixItems.map(typeOf).join(', ')}]`;
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.type === 'object' && schema.properties) {
    const fields = Object.entries(schema.properties).map(([name, child]) => `${code(name)}: ${typeOf(child)}`);
    return `{ ${fields.join(', ')} }`;
  }
  if (schema.pattern) return `text that fits ${code(schema.pattern)}`;
  const types = [schema.type ?? 'anything'].flat().map((type) => (type === 'string' ? 'text' : type));
  return [types.join(' or '), range(schema)].filter(Boolean).join(' ');
}

function range({ minimum, maximum, exclusiveMinimum }) {
  const safe = (value) => value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  const low = safe(minimum) ? `from ${minimum}` : safe(exclusiveMinimum) ? `above ${exclusiveMinimum}` : '';
  return [low, safe(maximum) ? `to ${maximum}` : ''].filter(Boolean).join(' ');
}
