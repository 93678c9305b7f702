// Logs each blob it is given, from either source, and ends when it may pass GATE; fails for one that holds the word "poison".
import { app } from '@azure/functions';
import { passGate } from '../../gate.js';

let running = 0;

app.storageBlob('landed', { path: 'landing/{stream}/{name}.txt', connection: 'Landing', handler });

app.storageBlob('announced', {
  path: 'announced/{stream}/{name}.txt',
  connection: 'Landing',
  source: 'EventGrid',
  handler,
});

async function handler(bytes, context) {
  running += 1;
  const { stream, name, blobTrigger, properties, metadata } = context.triggerMetadata;
  const text = bytes.toString();
  context.log(
    `blob ${JSON.stringify({ text, stream, name, blobTrigger, contentLength: properties.contentLength, metadata, running })}`,
  );
  await passGate(process.env.GATE);
  running -= 1;
  if (text === 'poison') throw new Error('on purpose');
}
