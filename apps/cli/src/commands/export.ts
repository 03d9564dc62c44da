import { exportResultSchema } from '@elbo/protocol/model-results';
import { type Command, Option } from 'commander';
import type { ExportFormat } from '../model/export.js';
import { modelCommand, useModel } from './use-model.js';

interface ExportFlags {
  readonly format: ExportFormat;
  readonly out?: string;
  readonly json?: true;
}

const help = `
onnx         encoder.onnx (x to posteriorMean and posteriorLogVar) and decoder.onnx (z to likelihoodMean), of
             standard ops, for any batch size: onnxruntime, in any language
tfjs         encoder/model.json and decoder/model.json for tf.loadGraphModel of TensorFlow.js
safetensors  every parameter by its name, with the run spec in the metadata

Examples:
  $ elbo export mnist --format onnx                   the folder <run>-onnx in the current folder
  $ elbo export mnist --format tfjs --out web/model
  $ elbo export mnist --format safetensors --out mnist.safetensors`;

export function exportCommand(): Command {
  return modelCommand('export', 'write a trained model for other runtimes')
    .description('Writes a model as ONNX, safetensors or TensorFlow.js.')
    .addOption(
      new Option('--format <format>', 'onnx, safetensors or tfjs')
        .choices(exportResultSchema.shape.format.options)
        .makeOptionMandatory(),
    )
    .option('--out <path>', 'the folder (<run>-<format> in the current folder); of safetensors, the file')
    .option('--json', 'print the result as JSON, and nothing else')
    .addHelpText('after', help)
    .action(exportFiles);
}

async function exportFiles(wanted: string, flags: ExportFlags): Promise<void> {
  const { exportModel } = await import('../model/export.js');
  await useModel(
    wanted,
    flags,
    (opened) => exportModel(opened, flags),
    (result) => [`${result.model.runId ?? result.model.path} at step ${result.model.step}, as ${result.format}`],
  );
}
