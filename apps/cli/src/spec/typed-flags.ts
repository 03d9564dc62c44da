import { flagName, specFlags } from './flags.js';
import { getAt, type PlainObject, setAt } from './nested.js';

/** What was typed, by flag name (`--epochs`). */
export type TypedFlags = ReadonlyMap<string, string>;

/** The part of a spec that the flags typed say. */
export function flagsToSpec(typed: TypedFlags): PlainObject {
  const said: PlainObject = {};
  for (const flag of specFlags) {
    const value = typed.get(flagName(flag));
    if (value === undefined) continue;
    const read = flag.read(value);
    for (const { path, of, implied } of flag.fields) {
      if (!implied || getAt(said, path) === undefined) setAt(said, path, of ? of(read) : read);
    }
  }
  return said;
}

/** The flag that was typed and says the field at `path`, if one was. */
export function flagOfField(path: readonly (string | number)[], typed: TypedFlags): string | null {
  const dotted = `${path.join('.')}.`;
  const found = specFlags.find(
    (flag) => typed.has(flagName(flag)) && flag.fields.some((each) => dotted.startsWith(`${each.path.join('.')}.`)),
  );
  return found ? flagName(found) : null;
}
