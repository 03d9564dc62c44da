import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { redisUrl, wholeNumber } from './parsers.js';

/** Flags of the commands that train on this machine: how a run is launched, never what comes out of it. */
export interface LaunchFlags {
  readonly redis?: true | string;
  readonly workers?: number;
  readonly threads?: number;
  readonly json?: true;
  readonly quiet?: true;
  readonly tensorboard?: true;
}

export const launchOption = (option: Option): Option => option.helpGroup('Launch options:');

export function addLaunchFlags(command: Command): Command {
  const options = [
    new Option('--redis [url]', 'go through BullMQ on Redis: this one, or any that is found').argParser(redisUrl),
    new Option('--workers <n>', 'worker processes, with --redis').argParser(wholeNumber(1, 1024)),
    new Option('--threads <n>', 'threads of each worker (by the cores)').argParser(wholeNumber(1, 1024)),
    new Option('--json', 'print events as JSON, one a line, and nothing else'),
    new Option('--tensorboard', 'event files for TensorBoard in the run folder too'),
    new Option('--quiet', 'print warnings and the end only'),
  ];
  for (const option of options) command.addOption(launchOption(option));
  return command;
}

/** @throws UsageError */
export function assertLaunchFlags({ redis, workers, json, quiet }: LaunchFlags): void {
  if (workers !== undefined && redis === undefined) {
    throw new UsageError('--workers counts worker processes, which need --redis; embedded runs have --threads');
  }
  if (json && quiet) throw new UsageError('--json and --quiet exclude each other');
}
