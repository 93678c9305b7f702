// Blob trigger, one per stream of files: a file that landed goes into the ledger, and a loader is woken.
import { createRequire } from 'node:module';
import { app, type InvocationContext } from '@azure/functions';
import * as df from 'durable-functions';
import pipeline from '../pipeline.js';
import { getApp } from '../shared/app.js';
import type { FileStream } from '../shared/pipeline/index.js';
import { wakeLoader } from './autoLoader.js';

/**
 * With an SDK binding the host names the blob instead of sending its content, which may be larger than the memory. The library asks
 * a factory what to make of the name; it loads the registry of factories by `require`, and `import` would give another one.
 */
const { ResourceFactoryResolver } = createRequire(import.meta.url)(
  '@azure/functions-extensions-base',
) as typeof import('@azure/functions-extensions-base');
const blobReferences = 'AzureStorageBlobs';
if (!ResourceFactoryResolver.getInstance().hasResourceFactory(blobReferences))
  ResourceFactoryResolver.getInstance().registerResourceFactory(blobReferences, (reference) => reference);

for (const stream of pipeline.files) {
  app.storageBlob(`landedFile-${stream.name}`, {
    path: `${stream.container}/${escaped(stream.prefix)}{name}`,
    connection: stream.connection,
    source: 'EventGrid',
    sdkBinding: true,
    extraInputs: [df.input.durableClient()],
    handler: (_: unknown, context: InvocationContext) => enterFile(stream, context),
  });
}

/** Events come twice, late, and for files that are gone: the ledger takes each file once, and looks at it itself. */
async function enterFile(stream: FileStream, context: InvocationContext): Promise<void> {
  const { openFileStream } = await getApp();
  const { discovery } = await openFileStream(stream.name);
  if (await discovery.enter(pathOf(stream, context))) await wakeLoader(stream.name, df.getClient(context));
}

function pathOf(stream: FileStream, { triggerMetadata }: InvocationContext): string {
  const name = triggerMetadata?.name;
  if (typeof name === 'string') return stream.prefix === '' ? name : `${stream.prefix}/${name}`;
  throw new Error('The host told no name of the blob; it must send the captures of the path as metadata.');
}

/** Braces in a path are captures unless they are doubled. */
function escaped(prefix: string): string {
  return prefix === '' ? '' : `${prefix.replaceAll('{', '{{').replaceAll('}', '}}')}/`;
}
