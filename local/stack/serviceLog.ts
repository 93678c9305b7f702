// What a service prints: all of it in a file, the last lines for when it dies, the latest warning for the status.
import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../shared/base/index.js';
import { type LogNotice, noticeOf } from './logNotice.js';

const keptLines = 15;
/** A log that is larger when a run starts is renamed to `.old`. */
const largestLogBytes = 20_000_000;

export interface LoggedNotice extends LogNotice {
  readonly atMs: number;
}

export class ServiceLog {
  readonly file: string;
  readonly #stream: WriteStream;
  readonly #lastLines: string[] = [];
  #notice: LoggedNotice | undefined;

  constructor(
    folder: string,
    name: string,
    private readonly clock: Clock,
  ) {
    this.file = join(folder, `${name}.log`);
    if ((statSync(this.file, { throwIfNoEntry: false })?.size ?? 0) > largestLogBytes)
      renameSync(this.file, `${this.file}.old`);
    this.#stream = createWriteStream(this.file, { flags: 'a' });
    // A full disk must not end the stack: the last lines are still kept in memory.
    this.#stream.on('error', (error) => this.#keep(`(log not written: ${error.message})`));
  }

  readonly add = (line: string): void => {
    this.#keep(line);
    if (this.#stream.writable) this.#stream.write(`${line}\n`);
    const notice = noticeOf(line);
    if (notice !== undefined) this.#notice = { ...notice, atMs: this.clock.nowMs() };
  };

  lastLines(): readonly string[] {
    return this.#lastLines;
  }

  latestNotice(): LoggedNotice | undefined {
    return this.#notice;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }

  #keep(line: string): void {
    this.#lastLines.push(line);
    if (this.#lastLines.length > keptLines) this.#lastLines.shift();
  }
}
