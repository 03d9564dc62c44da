/**
 * Makes TensorFlow's native library (the engine tfjs-node) use one thread for each of ours, and log nothing but errors.
 * It reads both from the process's environment when it is first loaded, and a worker thread's process.env is a copy: a
 * program that runs engines in worker threads calls this on its main thread before it starts them.
 */
export function prepareProcess(): void {
  // onnxruntime (the engine compiled) would otherwise report its use on some systems.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  process.env.TF_NUM_INTRAOP_THREADS ??= '1';
  process.env.TF_NUM_INTEROP_THREADS ??= '1';
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
}
