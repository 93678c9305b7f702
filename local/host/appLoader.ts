// Loads a function app as the Node worker does: package.json's `main` is a glob, each match is imported in order.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeError, TributaryError } from '../../shared/base/index.js';
import type { CoreRegistry } from './coreModule.js';
import type { ProgrammingModel, RegisteredFunction } from './coreTypes.js';
import { globPattern } from './globPattern.js';
import { readJsonFile } from './settings.js';

export interface LoadedApp {
  readonly functions: readonly RegisteredFunction[];
  readonly model: ProgrammingModel;
  /** One object for the app's life, shared by all hooks. */
  readonly appHookData: Record<string, unknown>;
  /** Runs the `appTerminate` hooks. */
  terminate(): Promise<void>;
}

/** @throws TributaryError CONFIG_INVALID or LOCAL_START_FAILED, naming the file */
export async function loadApp(appFolder: string, registry: CoreRegistry): Promise<LoadedApp> {
  const files = entryFiles(appFolder);
  for (const file of files) await loadFile(join(appFolder, file), file);
  const model = registry.programmingModel;
  if (model === undefined || registry.functions.size === 0) {
    throw new TributaryError(
      'LOCAL_START_FAILED',
      `The app in ${appFolder} registered no function (loaded: ${files.join(', ')}). ` +
        'It must use app.http(...), app.eventHub(...) and so on of @azure/functions 4.',
    );
  }
  const hookData = {};
  const appHookData = {};
  const hookContext = { hookData, appHookData, functionAppDirectory: appFolder };
  for (const hook of registry.hooksOf('appStart')) await hook(hookContext);
  registry.lock();
  const capabilities = await model.getCapabilities({ ...workerCapabilities });
  if (capabilities.HttpUri !== undefined) {
    throw new TributaryError(
      'LOCAL_START_FAILED',
      'The app calls app.setup({ enableHttpStream: true }); this host does not stream HTTP bodies.',
    );
  }
  return {
    functions: [...registry.functions.values()],
    model,
    appHookData,
    async terminate() {
      for (const hook of registry.hooksOf('appTerminate')) await hook({ hookData, appHookData });
    },
  };
}

/** What the Node worker 3.9 offers the library. */
const workerCapabilities: Readonly<Record<string, string>> = {
  RawHttpBodyBytes: 'true',
  RpcHttpTriggerMetadataRemoved: 'true',
  RpcHttpBodyOnly: 'true',
  IgnoreEmptyValuedRpcHttpHeaders: 'true',
  UseNullableValueDictionaryForHttp: 'true',
  WorkerStatus: 'true',
  TypedDataCollection: 'true',
  HandlesWorkerTerminateMessage: 'true',
};

function entryFiles(appFolder: string): string[] {
  const packageJson = readJsonFile(join(appFolder, 'package.json')) as { main?: unknown } | undefined;
  if (typeof packageJson?.main !== 'string') {
    throw new TributaryError(
      'CONFIG_INVALID',
      `${join(appFolder, 'package.json')} needs "main": the files that register functions, e.g. "dist/functions/*.js".`,
    );
  }
  const pattern = globPattern(packageJson.main);
  const files = listFiles(appFolder, '').filter((file) => pattern.test(file));
  if (files.length > 0) return files;
  throw new TributaryError(
    'CONFIG_INVALID',
    `No file in ${appFolder} matches "${packageJson.main}", which is "main" in package.json. Is the app built?`,
  );
}

/** Relative paths with forward slashes, sorted, without dependencies and hidden folders. */
function listFiles(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (!entry.isDirectory()) return [path];
      return entry.name === 'node_modules' || entry.name.startsWith('.') ? [] : listFiles(root, path);
    });
}

async function loadFile(file: string, shownAs: string): Promise<void> {
  try {
    // `import` reads both module systems.
    await import(pathToFileURL(file).href);
  } catch (cause) {
    throw new TributaryError(
      'LOCAL_START_FAILED',
      `The app's file ${shownAs} failed to load: ${describeError(cause)}`,
      {
        cause,
      },
    );
  }
}
