/** A server-sent event as bytes: made once, however many watch. */
export interface Frame {
  /** The place of a run's event; null for what has none. */
  readonly id: string | null;
  readonly bytes: Buffer;
}

export function frameOf(event: string, data: unknown, id: string | null = null): Frame {
  const place = id === null ? '' : `id: ${id}\n`;
  return { id, bytes: Buffer.from(`${place}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`) };
}

export const signOfLife: Frame = { id: null, bytes: Buffer.from(':\n\n') };
