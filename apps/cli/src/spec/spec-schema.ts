import { runSpecSchema } from '@elbo/protocol/run-spec';
import { z } from 'zod';
import { type FieldPath, getAt, isPlainObject } from './nested.js';

/** The run spec's JSON Schema, as far as it is read here: to say what a field allows and which fields there are. */
export interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly maxItems?: number;
}

let schema: SchemaNode | undefined;

export function runSpecJsonSchema(): SchemaNode {
  schema ??= z.toJSONSchema(runSpecSchema, { io: 'input' }) as SchemaNode;
  return schema;
}

/** The schema of the field at `path`. Among alternatives, `input` decides by its `kind`. */
export function schemaAt(path: FieldPath, input: unknown): SchemaNode | undefined {
  let node: SchemaNode | undefined = runSpecJsonSchema();
  for (let i = 0; i < path.length && node; i++) {
    const key = path[i] as string | number;
    if (typeof key === 'number') node = node.items;
    else node = alternative(node, key, getAt(input, path.slice(0, i)))?.properties?.[key];
  }
  return node;
}

function alternative(node: SchemaNode, key: string, value: unknown): SchemaNode | undefined {
  const options = node.oneOf;
  if (!options) return node;
  if (key === 'kind') {
    return { properties: { kind: { enum: options.map((option) => option.properties?.kind?.const) } } };
  }
  const kind = isPlainObject(value) ? value.kind : undefined;
  return options.find((option) => option.properties?.kind?.const === kind);
}

/** Every field of the spec, as a dotted path, whatever the kinds chosen. */
export function allFieldPaths(node: SchemaNode = runSpecJsonSchema(), prefix = ''): string[] {
  const nodes = [node, ...(node.oneOf ?? [])];
  const paths = nodes.flatMap((each) =>
    Object.entries(each.properties ?? {}).flatMap(([key, child]) => [
      `${prefix}${key}`,
      ...allFieldPaths(child, `${prefix}${key}.`),
    ]),
  );
  return [...new Set(paths)];
}

/** What a field allows, in words: `an integer from 1 to 4096`. */
export function allowedBy(node: SchemaNode): string {
  if (node.anyOf) return node.anyOf.map(allowedBy).join(', or ');
  if (node.oneOf) return `an object with kind ${listed(node.oneOf.map((option) => option.properties?.kind?.const))}`;
  if (node.const !== undefined) return String(node.const);
  if (node.enum) return node.enum.length === 1 ? String(node.enum[0]) : `one of ${listed(node.enum)}`;
  switch (node.type) {
    case 'integer':
    case 'number':
      return [node.type === 'integer' ? 'an integer' : 'a number', range(node)].filter(Boolean).join(' ');
    case 'array': {
      const most = node.maxItems === undefined ? '' : ` of at most ${node.maxItems}`;
      return `a list${most}, each ${node.items ? allowedBy(node.items) : 'anything'}`;
    }
    case 'object':
      return `an object with the fields ${Object.keys(node.properties ?? {}).join(', ')}`;
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    default:
      return 'text';
  }
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: SchemaNode): string {
  const low = exclusiveMinimum !== undefined ? `above ${exclusiveMinimum}` : minimum !== undefined ? `${minimum}` : '';
  const high = exclusiveMaximum !== undefined ? `below ${exclusiveMaximum}` : maximum !== undefined ? `${maximum}` : '';
  if (exclusiveMinimum === undefined && exclusiveMaximum === undefined && low && high) return `from ${low} to ${high}`;
  const parts = [
    exclusiveMinimum === undefined && low ? `of at least ${low}` : low,
    exclusiveMaximum === undefined && high ? `at most ${high}` : high,
  ];
  return parts.filter(Boolean).join(' and ');
}

function listed(values: readonly unknown[]): string {
  return values.map(String).join(', ');
}
