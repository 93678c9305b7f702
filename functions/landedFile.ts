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

/** `blobTrigger` is container/name. The capture would not do: the library makes a number of the name 2025. */
function pathOf({ container }: FileStream, { triggerMetadata }: InvocationContext): string {
  const place = triggerMetadata?.blobTrigger;
  if (typeof place === 'string' && place.startsWith(`${container}/`))
    return place.slice(container.length + 1);
  throw new Error('The host does not say which blob it is; the metadata must have blobTrigger.');
}

/** Braces in a path are captures unless they are doubled. */
function escaped(prefix: string): string {
  return prefix === '' ? '' : `${prefix.replaceAll('{', '{{').replaceAll('}', '}}')}/`;
}
