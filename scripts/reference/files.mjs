import { apiReference, openApiDocument } from './api.mjs';
import { cliReference } from './cli.mjs';
import { runSpecJsonSchema, specReference } from './spec.mjs';

/** What is below docs/reference, by name: all of it comes from the schemas, the commands and the routes. */
export async function referenceFiles() {
  const document = await openApiDocument();
  return {
    'api.md': apiReference(document),
    'cli.md': await cliReference(),
    'openapi.json': json(document),
    'run-spec.schema.json': json(runSpecJsonSchema()),
    'spec.md': specReference(),
  };
}

function json(content) {
  return `${JSON.stringify(content, null, 2)}\n`;
}
