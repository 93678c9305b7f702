// `npm start`: the whole pipeline on this machine, with simulated devices and a live status.
import pipeline from '../pipeline.js';
import { systemClock } from '../shared/base/index.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { claimPorts } from './stack/ports.js';
import type { StackPorts } from './stack/stack.js';
import { type IdentifiedService, isStillRunning } from './stack/stackLock.js';
import { StackState } from './stack/stackState.js';
import { type StartOptions, shareProblem, startCommand } from './starting/startArguments.js';
import { StartSession } from './starting/startSession.js';

await runCommand(startCommand, start, { readerLeaves: 'handled' });

async function start(options: StartOptions): Promise<number> {
  const problem = shareProblem(options);
  if (problem !== undefined) {
    console.error(problem);
    return exitCodes.usage;
  }
  const state = new StackState(options.state);
  state.create();
  const lock = state.lock.acquire();
  if (lock.kind === 'held') throw state.alreadyRunning(lock.pid);
  try {
    await endLeftBehind(lock.leftBehind);
    if (options.reset) resetState(state);
    const ports = await choosePorts(options);
    const session = new StartSession({
      options,
      state,
      ports,
      pipeline,
      clock: systemClock,
    });
    return await session.run();
  } finally {
    state.removeEndpoints();
    state.lock.release();
  }
}

function resetState(state: StackState): void {
  const paths = state.existingState();
  if (paths.length === 0) console.log(`--reset: there is no state in ${state.folder}.`);
  for (const path of paths) console.log(`--reset: deleting ${path}`);
  state.reset();
}

/**
 * An earlier run that was killed could not stop its services; they hold the ports and the files.
 * The last started goes first, since it may need the others while it stops.
 */
async function endLeftBehind(services: readonly IdentifiedService[]): Promise<void> {
  for (const service of [...services].reverse()) {
    const { name, pid } = service;
    console.log(`Ending ${name} (process ${pid}), left behind by an earlier npm start that was killed.`);
    // It may have ended since the lock was read.
    if (isStillRunning(service)) process.kill(pid, 'SIGTERM');
    const deadlineMs = systemClock.nowMs() + 5000;
    while (isStillRunning(service) && systemClock.nowMs() < deadlineMs) await systemClock.sleep(50);
    if (isStillRunning(service)) process.kill(pid, 'SIGKILL');
  }
}

async function choosePorts(options: StartOptions): Promise<StackPorts> {
  const [blobPort = 0, queuePort = 0, tablePort = 0, eventHubsPort = 0, hostPort = 0] = await claimPorts([
    { purpose: 'blobs (Azurite)', option: 'blob-port', port: options['blob-port'] },
    { purpose: 'queues (Azurite)', option: 'queue-port', port: options['queue-port'] },
    { purpose: 'storage tables (Azurite)', option: 'table-port', port: options['table-port'] },
    { purpose: 'the Event Hubs emulator', option: 'event-hubs-port', port: options['event-hubs-port'] },
    { purpose: 'the Functions host', option: 'port', port: options.port },
  ]);
  return { blobPort, queuePort, tablePort, eventHubsPort, hostPort };
}
