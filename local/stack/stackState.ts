// The state folder of the local stack: where its parts keep their data, where they listen, and what `--reset` deletes.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TributaryError } from '../../shared/base/index.js';
import { userPath } from '../commandLine/command.js';
import { isAlive, readJson, StackLock } from './stackLock.js';

export interface Endpoints {
  /** Of the `npm start` process. */
  readonly pid: number;
  readonly storage: string;
  readonly eventHubs: string;
  readonly hubs: readonly string[];
  readonly statusUrl: string;
}

export const defaultStateFolder = '.local';

/** In the project, wherever the command was called from. */
const usualFolder = join(import.meta.dirname, '..', '..', '..', defaultStateFolder);

export class StackState {
  readonly folder: string;
  readonly lock: StackLock;
  readonly #endpointsFile: string;
  readonly #hubFile: string;

  /** @param folder as given on the command line */
  constructor(folder: string) {
    this.folder = folder === defaultStateFolder ? usualFolder : userPath(folder);
    this.lock = new StackLock(join(this.folder, 'lock.json'));
    this.#endpointsFile = join(this.folder, 'endpoints.json');
    this.#hubFile = join(this.folder, 'hub.json');
  }

  get azuriteFolder(): string {
    return join(this.folder, 'azurite');
  }

  get eventHubsFolder(): string {
    return join(this.folder, 'event-hubs');
  }

  get durableFolder(): string {
    return join(this.folder, 'durable');
  }

  get logFolder(): string {
    return join(this.folder, 'logs');
  }

  /** Of the hub, when it was started last; undefined for a state folder without events. */
  get partitionCount(): number | undefined {
    return readJson<{ readonly partitionCount: number }>(this.#hubFile)?.partitionCount;
  }

  rememberPartitionCount(partitionCount: number): void {
    writeFileSync(this.#hubFile, `${JSON.stringify({ partitionCount })}\n`);
  }

  /** What to append to a command so that it finds this stack. */
  get stateOption(): string {
    return this.folder === usualFolder ? '' : ` --state ${this.folder}`;
  }

  create(): void {
    mkdirSync(this.logFolder, { recursive: true });
  }

  /** What holds state; `reset` deletes this and nothing else, whatever folder it was pointed at. */
  existingState(): readonly string[] {
    const paths = [
      this.azuriteFolder,
      this.eventHubsFolder,
      this.durableFolder,
      this.logFolder,
      this.#hubFile,
    ];
    return paths.filter((path) => existsSync(path));
  }

  reset(): void {
    for (const path of this.existingState()) rmSync(path, { recursive: true, force: true });
    this.create();
  }

  writeEndpoints(endpoints: Endpoints): void {
    // Renamed into place, so that `npm run send` never reads half a file.
    const draft = `${this.#endpointsFile}.draft`;
    writeFileSync(draft, `${JSON.stringify(endpoints, null, 2)}\n`);
    renameSync(draft, this.#endpointsFile);
  }

  removeEndpoints(): void {
    if (readJson<Endpoints>(this.#endpointsFile)?.pid !== process.pid) return;
    rmSync(this.#endpointsFile, { force: true });
  }

  /** @throws TributaryError LOCAL_NOT_RUNNING */
  readEndpoints(): Endpoints {
    const endpoints = readJson<Endpoints>(this.#endpointsFile);
    if (endpoints === undefined || !isAlive(endpoints.pid)) throw this.#notRunning();
    return endpoints;
  }

  #notRunning(): TributaryError {
    const start = this.stateOption === '' ? 'npm start' : `npm start --${this.stateOption}`;
    return new TributaryError(
      'LOCAL_NOT_RUNNING',
      `Nothing is running on ${this.folder}. Start it in another terminal with: ${start}`,
    );
  }

  alreadyRunning(pid: number | undefined): TributaryError {
    const who = pid === undefined ? '' : ` (process ${pid})`;
    return new TributaryError(
      'LOCAL_ALREADY_RUNNING',
      `Another npm start${who} is running on ${this.folder}. Stop that one with Ctrl-C, or give this one a state folder and ` +
        'ports of its own: --state FOLDER --blob-port 0 --queue-port 0 --table-port 0 --event-hubs-port 0 --port 0',
    );
  }
}
