/** A flag of `elbo train` that is a field of the run spec (or several fields that go together). */
export interface SpecFlag {
  /** As commander reads it: `--epochs <n>`. */
  readonly flag: string;
  readonly help: string;
  readonly fields: readonly SpecField[];
  readonly read: (text: string) => unknown;
}

interface SpecField {
  readonly path: readonly string[];
  /** What of the flag's value goes into this field; all of it when left out. */
  readonly of?: (value: unknown) => unknown;
  /** Goes without saying: only where no other flag says the field. */
  readonly implied?: boolean;
}

// A value that cannot be read goes on as the text it was: the schema refuses it and says what is allowed.
const text = (value: string): unknown => value;
const number = (value: string): unknown =>
  /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
const numberOrNone = (value: string): unknown => (value === 'none' ? null : number(value));
const boolean = (value: string): unknown => (value === 'true' ? true : value === 'false' ? false : value);
const numbers = (value: string): unknown =>
  value === 'none' || value === '' ? [] : value.split(',').map((item) => number(item.trim()));
const reversed = (value: unknown): unknown => (Array.isArray(value) ? value.toReversed() : value);

const field = (path: string, of?: (value: unknown) => unknown): SpecField => ({
  path: path.split('.'),
  ...(of ? { of } : {}),
});
const implied = (path: string, value: unknown): SpecField => ({
  path: path.split('.'),
  of: () => value,
  implied: true,
});
const spec = (flag: string, read: SpecFlag['read'], help: string, ...fields: SpecField[]): SpecFlag => ({
  flag,
  read,
  help,
  fields,
});

export const specFlagGroups: readonly { readonly heading: string; readonly flags: readonly SpecFlag[] }[] = [
  {
    heading: 'The run:',
    flags: [
      spec('--name <name>', text, 'name of the run and of its folder (the data set)', field('name')),
      spec('--seed <n>', number, 'decides everything that is random (1)', field('seed')),
      spec('--engine <name>', text, 'compiled, tfjs-node, wasm or cpu (compiled)', field('engine')),
      spec(
        '--exact <true|false>',
        boolean,
        'refuse workers whose version, engine library or CPU type could change the bits (true)',
        field('exact'),
      ),
    ],
  },
  {
    heading: 'The data:',
    flags: [
      spec('--pixels <how>', text, 'raw, threshold, static or dynamic binarisation (raw)', field('dataset.pixels')),
      spec(
        '--validation <n>',
        number,
        'keep the last n training examples for validation (0)',
        field('dataset.validation'),
      ),
      spec('--limit <n>', number, 'train on the first n examples only', field('dataset.limit')),
    ],
  },
  {
    heading: 'The model:',
    flags: [
      spec('--latent-dim <n>', number, 'dimensions of z (20)', field('model.latentDim')),
      spec(
        '--hidden <sizes>',
        numbers,
        'hidden layers of the encoder, such as 400,200; the decoder has them in reverse; none for no layer (400)',
        field('model.encoder.hidden'),
        field('model.decoder.hidden', reversed),
      ),
      spec(
        '--activation <name>',
        text,
        'relu, tanh, sigmoid, elu, softplus or linear (relu)',
        field('model.encoder.activation'),
        field('model.decoder.activation'),
      ),
      spec('--likelihood <kind>', text, 'bernoulli or gaussian (bernoulli)', field('model.likelihood.kind')),
      spec(
        '--variance <v>',
        number,
        'variance of a Gaussian likelihood, or learned; chooses gaussian (1)',
        implied('model.likelihood.kind', 'gaussian'),
        field('model.likelihood.variance'),
      ),
      spec(
        '--initializer <name>',
        text,
        'uniformFanIn, glorotUniform, glorotNormal, heUniform or heNormal (uniformFanIn)',
        field('model.initializer'),
      ),
    ],
  },
  {
    heading: 'The objective:',
    flags: [
      spec('--beta <b>', number, 'weight of the KL term (1)', field('objective.beta')),
      spec(
        '--beta-warmup <steps>',
        number,
        'steps over which beta rises from 0 (0)',
        field('objective.betaWarmupSteps'),
      ),
      spec('--samples <n>', number, 'noise samples for each observation, M (1)', field('objective.monteCarloSamples')),
    ],
  },
  {
    heading: 'The training:',
    flags: [
      spec('--epochs <n>', number, 'passes over the training split (10)', field('training.epochs')),
      spec('--batch-size <n>', number, 'examples of a step, over all workers (128)', field('training.globalBatchSize')),
      spec('--learning-rate <rate>', number, 'before schedule and warm-up (0.001)', field('training.learningRate')),
      spec(
        '--warmup <steps>',
        number,
        'steps over which the learning rate rises from 0 (0)',
        field('training.warmupSteps'),
      ),
      spec('--schedule <kind>', text, 'constant, steps or cosine (constant)', field('training.schedule.kind')),
      spec(
        '--schedule-every <steps>',
        number,
        'lower the rate each so many steps; chooses steps',
        implied('training.schedule.kind', 'steps'),
        field('training.schedule.everySteps'),
      ),
      spec(
        '--schedule-factor <f>',
        number,
        'by this factor (0.1); chooses steps',
        implied('training.schedule.kind', 'steps'),
        field('training.schedule.factor'),
      ),
      spec(
        '--schedule-decay <steps>',
        number,
        'steps of the half cosine (the whole run); chooses cosine',
        implied('training.schedule.kind', 'cosine'),
        field('training.schedule.decaySteps'),
      ),
      spec(
        '--schedule-final <f>',
        number,
        'of the rate, what is left at its end (0); chooses cosine',
        implied('training.schedule.kind', 'cosine'),
        field('training.schedule.finalFactor'),
      ),
      spec('--optimizer <kind>', text, 'sgd, momentum, adam or adamw (adam)', field('training.optimizer.kind')),
      spec(
        '--momentum <m>',
        number,
        'chooses the optimizer momentum (0.9)',
        implied('training.optimizer.kind', 'momentum'),
        field('training.optimizer.momentum'),
      ),
      spec(
        '--nesterov <true|false>',
        boolean,
        'look ahead along it; chooses the optimizer momentum (false)',
        implied('training.optimizer.kind', 'momentum'),
        field('training.optimizer.nesterov'),
      ),
      spec(
        '--adam-beta1 <b>',
        number,
        'decay of the mean gradient, of adam and adamw (0.9)',
        field('training.optimizer.beta1'),
      ),
      spec(
        '--adam-beta2 <b>',
        number,
        'decay of the mean square, of adam and adamw (0.999)',
        field('training.optimizer.beta2'),
      ),
      spec(
        '--adam-epsilon <e>',
        number,
        'below its root, of adam and adamw (1e-8)',
        field('training.optimizer.epsilon'),
      ),
      spec(
        '--weight-decay <w>',
        number,
        'chooses the optimizer adamw (0.01)',
        implied('training.optimizer.kind', 'adamw'),
        field('training.optimizer.weightDecay'),
      ),
      spec(
        '--clip <norm>',
        numberOrNone,
        'largest global norm of a gradient, or none (none)',
        field('training.clipGlobalNorm'),
      ),
      spec(
        '--on-non-finite <what>',
        text,
        'at a NaN or infinite gradient: stop, or skip that update (stop)',
        field('training.onNonFinite'),
      ),
      spec(
        '--shards <n>',
        number,
        'queue jobs a step is cut into (by the batch size)',
        field('training.shardsPerStep'),
      ),
      spec(
        '--microbatch <n>',
        number,
        'examples a thread takes at a time (by the shard)',
        field('training.microbatchSize'),
      ),
    ],
  },
];

export const specFlags: readonly SpecFlag[] = specFlagGroups.flatMap((group) => group.flags);

/** `--epochs` of `--epochs <n>`. */
export function flagName(flag: SpecFlag): string {
  return flag.flag.split(' ')[0] as string;
}
