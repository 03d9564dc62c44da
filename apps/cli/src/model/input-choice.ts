export const inputKinds = ['idx', 'npy', 'csv', 'png'] as const;
export type InputKind = (typeof inputKinds)[number];

/** Examples from outside: a file, or a folder of PNG files. */
export interface InputChoice {
  readonly path: string;
  /** Told by the path when left out. */
  readonly kind?: InputKind | undefined;
  /** Of the data set that the model was trained on, when left out. */
  readonly scale?: number | undefined;
  readonly header?: boolean | undefined;
  readonly labelColumn?: string | number | undefined;
  readonly delimiter?: string | undefined;
}
