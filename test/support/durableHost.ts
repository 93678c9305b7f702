// A Functions host with the Durable sample app as a child process, its data in a folder that outlives the process, and the
// library's client behind it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildService, startChildService } from '../../local/stack/childService.js';
import type { Cleanup } from './cleanup.js';
import { pollUntil } from './waiting.js';

const compiledRoot = join(import.meta.dirname, '..', '..');
const sourceRoot = join(compiledRoot, '..');

export interface InstanceStatus {
  readonly name: string;
  readonly instanceId: string;
  readonly runtimeStatus: string;
  readonly input: unknown;
  readonly customStatus: unknown;
  readonly output: unknown;
  readonly createdTime: string;
  readonly history?: readonly Readonly<Record<string, unknown>>[];
}

export interface EntityAnswer {
  readonly entityExists: boolean;
  readonly entityState?: unknown;
}

export class DurableHost {
  readonly lines: string[] = [];
  #service: ChildService | undefined;

  private constructor(
    private readonly folder: string,
    private readonly storage: string,
    private readonly args: readonly string[],
  ) {}

  /** @param storage connection string of the host's storage account */
  static async start(t: Cleanup, storage: string, args: readonly string[] = []): Promise<DurableHost> {
    const folder = mkdtempSync(join(tmpdir(), 'tributary-durable-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const host = new DurableHost(folder, storage, args);
    t.after(() => host.stop());
    await host.restart();
    return host;
  }

  /** Another host on the same data. */
  async startRival(t: Cleanup): Promise<void> {
    const rival = new DurableHost(this.folder, this.storage, this.args);
    t.after(() => rival.stop());
    await rival.restart();
  }

  /** After `kill` or `stop`, on the same data. */
  async restart(): Promise<void> {
    this.lines.length = 0;
    this.#service = await startChildService({
      name: 'Functions host',
      script: join(compiledRoot, 'local', 'host', 'cli.js'),
      args: [
        ...['--app', join(sourceRoot, 'test', 'support', 'apps', 'durable'), '--port', '0'],
        ...['--durable-data', join(this.folder, 'hub'), '--setting', `AzureWebJobsStorage=${this.storage}`],
        ...['--setting', `EFFECTS=${join(this.folder, 'effects')}`, ...this.args],
      ],
      isReady: (line) => line.startsWith('Functions host is listening on http://127.0.0.1:'),
      onLine: (line) => this.lines.push(line),
    });
  }

  async kill(): Promise<void> {
    await this.#service?.kill();
  }

  async stop(): Promise<void> {
    await this.#service?.stop();
  }

  get url(): string {
    const line = this.lines.find((text) => text.startsWith('Functions host is listening'));
    return /http:\S+/.exec(line ?? '')?.[0] ?? '';
  }

  /** Lines that the activity `leaveMark` has left. */
  get marks(): string[] {
    try {
      return readFileSync(join(this.folder, 'effects'), 'utf8').trim().split('\n');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }

  /** A call of the library's client, made within a function. @throws Error with the client's message */
  async client<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    return this.#call({ method, args });
  }

  signal(name: string, key: string, operation: string, input?: unknown): Promise<void> {
    const args = input === undefined ? [operation] : [operation, input];
    return this.#call({ method: 'signalEntity', entity: { name, key }, args });
  }

  entity(name: string, key: string): Promise<EntityAnswer> {
    return this.#call({ method: 'readEntityState', entity: { name, key }, args: [] });
  }

  startNew(name: string, options: object = {}): Promise<string> {
    return this.client('startNew', name, options);
  }

  /** The hub's HTTP API itself. */
  api(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}/runtime/webhooks/durabletask/${path}`, init);
  }

  status(instanceId: string): Promise<InstanceStatus> {
    return this.client('getStatus', instanceId);
  }

  /** @throws Error when it has not ended in time */
  async ended(instanceId: string): Promise<InstanceStatus> {
    const running = ['Pending', 'Running', 'ContinuedAsNew', 'Suspended'];
    return pollUntil(`${instanceId} has ended`, async () => {
      const status = await this.status(instanceId);
      return running.includes(status.runtimeStatus) ? undefined : status;
    });
  }

  async outputOf(name: string, input?: unknown): Promise<unknown> {
    const id = await this.startNew(name, input === undefined ? {} : { input });
    const { runtimeStatus, output } = await this.ended(id);
    if (runtimeStatus !== 'Completed') throw new Error(`${name} ${runtimeStatus}: ${JSON.stringify(output)}`);
    return output;
  }

  async #call<T>(body: object): Promise<T> {
    const response = await fetch(`${this.url}/api/client`, { method: 'POST', body: JSON.stringify(body) });
    const answer = (await response.json()) as { readonly result: T; readonly error?: string };
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.result;
  }
}
