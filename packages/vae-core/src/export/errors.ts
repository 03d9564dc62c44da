/** A model cannot be written in a format. */
export class ExportError extends Error {
  override readonly name = 'ExportError';

  constructor(
    readonly code: 'UNSUPPORTED_OP' | 'FIXED_BATCH' | 'PARAMETERS',
    /** `onnx` or `tfjs`. */
    readonly format: string,
    problem: string,
  ) {
    super(`the model cannot be exported as ${format}: ${problem}`);
  }
}
