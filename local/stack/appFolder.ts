// The function app with another pipeline, for tests and benchmarks: its compiled code copied beside a pipeline.js of their own.
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PipelineDefinition } from '../../shared/pipeline/index.js';

const root = join(import.meta.dirname, '..', '..', '..');

export function createAppFolder(folder: string, definition: PipelineDefinition): void {
  const compiled = join(root, 'dist');
  mkdirSync(join(folder, 'dist'), { recursive: true });
  for (const part of ['functions', 'shared']) {
    cpSync(join(compiled, part), join(folder, 'dist', part), { recursive: true });
  }
  writeFileSync(
    join(folder, 'dist', 'pipeline.js'),
    `import { definePipeline } from './shared/pipeline/index.js';\nexport default definePipeline(${JSON.stringify(definition)});\n`,
  );
  for (const file of ['host.json', 'package.json']) cpSync(join(root, file), join(folder, file));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}
