import { type Command, Option } from 'commander';
import { flagName, specFlagGroups, specFlags } from '../spec/flags.js';
import type { TypedFlags } from '../spec/typed-flags.js';

/** Adds the flags that are fields of a run spec, group by group. */
export function addSpecFlags(command: Command): Command {
  for (const { heading, flags } of specFlagGroups) {
    for (const flag of flags) command.addOption(new Option(flag.flag, flag.help).helpGroup(heading));
  }
  return command;
}

/** The spec flags that were typed, by name. */
export function typedFlags(command: Command): TypedFlags {
  const typed = new Map<string, string>();
  for (const flag of specFlags) {
    const name = flagName(flag);
    const option = command.options.find((each) => each.long === name);
    const value: unknown = option && command.getOptionValue(option.attributeName());
    if (typeof value === 'string') typed.set(name, value);
  }
  return typed;
}
