/**
 * Makes TensorFlow's native library (the engine tfjs-node) use one thread for each of ours, and log nothing but errors.
 * It reads both from the process's environment when it is first loaded, and a worker thread's process.env is a copy: a
 * program that runs engines in worker threads calls this on its main thread before it starts them.
 */
export function prepareProcess(): void {
  process.env.TF_NUM_INTRAOP_THREADS ??= '1';
  process.env.TF_NUM_INTEROP_THREADS ??= '1';
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
}
