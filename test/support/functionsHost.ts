// A Functions host as a child process, running one of the sample apps, and its log lines for tests to wait for.
import { join } from 'node:path';
import { type ChildService, startChildService } from '../../local/stack/childService.js';
import type { Cleanup } from './cleanup.js';
import { patienceMs } from './waiting.js';

const compiledRoot = join(import.meta.dirname, '..', '..');
const sourceRoot = join(compiledRoot, '..');

export interface TestHostOptions {
  /** A folder of test/support/apps. */
  readonly app: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

export interface Batch {
  readonly partition: string;
  readonly sequenceNumbers: readonly number[];
  readonly retryContext?: {
    readonly retryCount: number;
    readonly maxRetryCount: number;
    readonly exception?: object;
  };
  readonly bodies?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export class TestHost {
  readonly lines: string[] = [];
  readonly #waiters = new Set<() => void>();
  #service: ChildService | undefined;

  /** @throws TributaryError LOCAL_START_FAILED with the host's last lines */
  static async start(t: Cleanup, options: TestHostOptions): Promise<TestHost> {
    const host = new TestHost();
    const { app, settings, args = [] } = options;
    host.#service = await startChildService({
      name: 'Functions host',
      script: join(compiledRoot, 'local', 'host', 'cli.js'),
      args: [
        ...['--app', join(sourceRoot, 'test', 'support', 'apps', app), '--port', '0', '--verbose'],
        ...Object.entries(settings).flatMap(([name, value]) => ['--setting', `${name}=${value}`]),
        ...args,
      ],
      isReady: (line) => line.startsWith('Functions host is listening on http://127.0.0.1:'),
      onLine: (line) => {
        host.lines.push(line);
        for (const check of host.#waiters) check();
      },
    });
    t.after(() => host.service.stop());
    return host;
  }

  get service(): ChildService {
    return this.#service!;
  }

  get url(): string {
    const line = this.lines.find((text) => text.startsWith('Functions host is listening'));
    return /http:\S+/.exec(line ?? '')?.[0] ?? '';
  }

  /** What the functions logged after `keyword`, parsed. */
  logged<T>(keyword: string): T[] {
    return this.lines.flatMap((line) => {
      const at = line.indexOf(`] ${keyword} {`);
      return at < 0 ? [] : [JSON.parse(line.slice(at + keyword.length + 3)) as T];
    });
  }

  get batches(): Batch[] {
    return this.logged<Batch>('batch');
  }

  /** Looks again at each line. @throws Error with the last lines when `condition` does not hold in time */
  async waitUntil(what: string, condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const check = () => {
        if (!condition()) return;
        this.#waiters.delete(check);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(check);
        const last = this.lines.slice(-15).map((line) => line.slice(0, 300));
        reject(new Error(`Not within ${patienceMs} ms: ${what}. Last lines:\n${last.join('\n')}`));
      }, patienceMs);
      this.#waiters.add(check);
    });
  }
}
