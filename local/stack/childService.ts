// A child process that serves something: start it, wait until it says it is ready, stop it without leaving orphans.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describeError, systemClock, TributaryError } from '../../shared/base/index.js';

export interface ChildServiceOptions {
  /** For messages, e.g. `Azurite`. */
  readonly name: string;
  readonly script: string;
  /** A module that is run before the script. */
  readonly preload?: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of output; true when the line says that the service is ready. */
  readonly isReady: (line: string) => boolean;
  /** Where later output goes. Default: dropped (the last lines are kept for error messages all the same). */
  readonly onLine?: (line: string) => void;
  readonly startTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
}

export interface ChildService {
  readonly pid: number;
  /** Resolves with the exit code (null after a signal) when the process is gone, whoever ended it. */
  readonly exited: Promise<number | null>;
  /** SIGTERM, then SIGKILL after `stopTimeoutMs`. Safe to call twice. */
  stop(): Promise<void>;
  /** SIGKILL at once, as a power cut would. For tests. */
  kill(): Promise<void>;
}

const keptLines = 20;

/** @throws TributaryError LOCAL_START_FAILED with the child's last lines of output */
export async function startChildService(options: ChildServiceOptions): Promise<ChildService> {
  const { name, script, preload, args, startTimeoutMs = 120_000, stopTimeoutMs = 20_000 } = options;
  const nodeOptions = ['--enable-source-maps', ...(preload === undefined ? [] : ['--import', preload])];
  const child = spawn(process.execPath, [...nodeOptions, script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    // Its own process group: Ctrl-C in the terminal reaches only the parent, which stops its children in order.
    detached: true,
  });
  const lastLines: string[] = [];
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  // The parent's own crash must not leave the child behind; 'exit' handlers may only do synchronous work.
  const killWithParent = () => child.kill('SIGKILL');
  process.once('exit', killWithParent);
  void exited.then(() => process.off('exit', killWithParent));

  await new Promise<void>((resolve, reject) => {
    const fail = (what: string, cause?: unknown) => {
      child.kill('SIGKILL');
      const output = lastLines.length === 0 ? '' : `\nIts last output:\n  ${lastLines.join('\n  ')}`;
      reject(new TributaryError('LOCAL_START_FAILED', `${name} ${what}.${output}`, { cause }));
    };
    const startTimeout = new AbortController();
    void systemClock.sleep(startTimeoutMs, startTimeout.signal).then(() => {
      if (!startTimeout.signal.aborted) fail(`did not start within ${startTimeoutMs / 1000} s`);
    });
    const onLine = (line: string) => {
      lastLines.push(line);
      if (lastLines.length > keptLines) lastLines.shift();
      options.onLine?.(line);
      if (!startTimeout.signal.aborted && options.isReady(line)) {
        startTimeout.abort();
        resolve();
      }
    };
    readLines(child, onLine);
    child.once('error', (error) => {
      startTimeout.abort();
      fail(`could not be started: ${describeError(error)}`, error);
    });
    // 'close' comes after all output was read, so the message holds the reason the child gave.
    child.once('close', (code, signal) => {
      if (startTimeout.signal.aborted) return;
      startTimeout.abort();
      fail(`ended while starting (${signal ?? `exit code ${code}`})`);
    });
  });

  return {
    pid: child.pid ?? -1,
    exited,
    async stop() {
      child.kill('SIGTERM');
      const done = new AbortController();
      void exited.then(() => done.abort());
      await systemClock.sleep(stopTimeoutMs, done.signal);
      child.kill('SIGKILL');
      await exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function readLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', onLine);
  }
}
