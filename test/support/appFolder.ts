// The function app with another pipeline: its compiled code copied beside a pipeline.js of the test's own.
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { App, Settings } from '../../shared/app.js';
import type { Logger } from '../../shared/base/index.js';
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

/** The app of that folder in this process. */
export async function openAppIn(folder: string, settings: Settings, logger?: Logger): Promise<App> {
  const module = (await import(pathToFileURL(join(folder, 'dist', 'shared', 'app.js')).href)) as {
    createApp(settings: Settings, logger?: Logger): Promise<App>;
  };
  return module.createApp(settings, logger);
}
