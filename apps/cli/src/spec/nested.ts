/** A path into a spec: field names and, inside lists, indices. */
export type FieldPath = readonly (string | number)[];
export type PlainObject = Record<string, unknown>;

export function isPlainObject(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function getAt(root: unknown, path: FieldPath): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as PlainObject)[key];
  }
  return value;
}

/** Sets a field, making the objects on the way (in place of whatever is there that is no object). */
export function setAt(root: PlainObject, path: readonly string[], value: unknown): void {
  let object = root;
  for (const key of path.slice(0, -1)) {
    const inner = Object.hasOwn(object, key) ? object[key] : undefined;
    if (isPlainObject(inner)) object = inner;
    else {
      const made: PlainObject = {};
      object[key] = made;
      object = made;
    }
  }
  object[path.at(-1) as string] = value;
}

/**
 * `over` laid upon `under`, field by field; neither is changed. Where the two disagree on `kind` (another likelihood,
 * another optimiser) nothing of `under` is kept: its other fields belong to another kind.
 */
export function layOver(under: PlainObject, over: PlainObject): PlainObject {
  const kindChanges = under.kind !== undefined && over.kind !== undefined && under.kind !== over.kind;
  const merged: PlainObject = kindChanges ? {} : { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = Object.hasOwn(merged, key) ? merged[key] : undefined;
    const laid = isPlainObject(below) && isPlainObject(value) ? layOver(below, value) : value;
    // Assigning to __proto__ would give the object another prototype, and its fields to the spec unseen.
    Object.defineProperty(merged, key, { value: laid, enumerable: true, configurable: true, writable: true });
  }
  return merged;
}
