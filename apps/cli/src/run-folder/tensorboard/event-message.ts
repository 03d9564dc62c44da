import protobuf from 'protobufjs/light.js';

/*
 * The part of TensorBoard's messages that we write, as protobufjs reads a schema. Field numbers are the format's
 * (tensorboard/compat/proto/event.proto and summary.proto).
 */
const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });

const root = protobuf.Root.fromJSON({
  nested: {
    Event: {
      fields: {
        wallTime: { type: 'double', id: 1 },
        step: { type: 'int64', id: 2 },
        fileVersion: { type: 'string', id: 3 },
        summary: { type: 'Summary', id: 5 },
        sessionLog: { type: 'SessionLog', id: 7 },
      },
    },
    SessionLog: { fields: { status: { type: 'int32', id: 1 } } },
    Summary: { fields: { value: repeated('Value', 1) } },
    Value: {
      fields: {
        tag: { type: 'string', id: 1 },
        simpleValue: { type: 'float', id: 2 },
        image: { type: 'Image', id: 4 },
        histo: { type: 'Histogram', id: 5 },
      },
    },
    Image: {
      fields: {
        height: { type: 'int32', id: 1 },
        width: { type: 'int32', id: 2 },
        colorspace: { type: 'int32', id: 3 },
        encodedImageString: { type: 'bytes', id: 4 },
      },
    },
    Histogram: {
      fields: {
        min: { type: 'double', id: 1 },
        max: { type: 'double', id: 2 },
        num: { type: 'double', id: 3 },
        sum: { type: 'double', id: 4 },
        sumSquares: { type: 'double', id: 5 },
        bucketLimit: repeated('double', 6),
        bucket: repeated('double', 7),
      },
    },
  },
});
const eventType = root.lookupType('Event');

export interface HistogramMessage {
  readonly min: number;
  readonly max: number;
  readonly num: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** The upper end of each bucket. */
  readonly bucketLimit: readonly number[];
  readonly bucket: readonly number[];
}

export interface ImageMessage {
  readonly height: number;
  readonly width: number;
  /** 1: grey; 3: red, green and blue. */
  readonly colorspace: number;
  readonly encodedImageString: Uint8Array;
}

export interface SummaryValue {
  readonly tag: string;
  readonly simpleValue?: number;
  readonly image?: ImageMessage;
  readonly histo?: HistogramMessage;
}

export interface EventMessage {
  /** Seconds since the Unix epoch. */
  readonly wallTime: number;
  readonly step?: number;
  readonly fileVersion?: string;
  readonly summary?: { readonly value: readonly SummaryValue[] };
  readonly sessionLog?: { readonly status: number };
}

/** A session begins: readers forget what they know of its step and of later ones. */
export const sessionStart = 1;
export const fileVersion = 'brain.Event:2';

export function encodeEvent(event: EventMessage): Uint8Array {
  return eventType.encode(eventType.fromObject(event)).finish();
}

/** The step and the tags of an event: what can be read of one that others wrote, too. */
export function readStepAndTags(bytes: Uint8Array): { step: number; tags: string[] } {
  const { step, summary } = eventType.toObject(eventType.decode(bytes), { longs: Number, defaults: true }) as {
    step: number;
    summary: { value: { tag: string }[] } | null;
  };
  return { step, tags: (summary?.value ?? []).map(({ tag }) => tag) };
}
