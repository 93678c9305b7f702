// One stream of files of the running stack, opened by a command.
import pipeline from '../../pipeline.js';
import { createApp } from '../../shared/app.js';
import type { OpenFileStream } from '../../shared/autoloader/index.js';
import { silentLogger } from '../../shared/base/index.js';
import { StackState } from '../stack/stackState.js';

export const streamPositional = {
  name: 'STREAM',
  minimum: 1,
  maximum: 1,
  description: 'a name under "files" in pipeline.ts',
} as const;

/** @throws TributaryError LOCAL_NOT_RUNNING; INPUT_INVALID for a stream that does not exist */
export async function openStreamOfStack(state: string, name: string): Promise<OpenFileStream> {
  const { storage } = new StackState(state).readEndpoints();
  const landings = pipeline.files.map(({ connection }) => [connection, storage]);
  const app = await createApp({ ...Object.fromEntries(landings), LakeStorage: storage }, silentLogger);
  return app.openFileStream(name);
}
