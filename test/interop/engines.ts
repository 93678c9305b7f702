// Spark and delta-rs as a test asks them: one process that serves both (engines.py), one question at a time.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Cleanup } from '../support/cleanup.js';
import { jarFolder, python, scriptPath } from './python.js';

/** Values are spelled as in canonicalRows.ts. */
export type EngineRow = Readonly<Record<string, unknown>>;

export interface EngineSchema {
  readonly fields: readonly { readonly name: string; readonly type: unknown; readonly nullable: boolean }[];
}

interface Table {
  /** The folder of the table. */
  readonly path: string;
}

interface NewRows extends Table {
  readonly rows: readonly (readonly unknown[])[];
  /** Name and Arrow type, or `timestamp`: microseconds in UTC. */
  readonly columns: readonly (readonly [string, string])[];
}

interface Selected {
  readonly rows: readonly EngineRow[];
  readonly fileCount: number;
}

/** What engines.py offers: arguments and answer of each operation. */
interface Operations {
  /** The rows of the last statement. */
  sql: [{ statements: readonly string[] }, readonly EngineRow[]];
  /** null sets a setting back. */
  setSpark: [{ settings: Readonly<Record<string, string | null>> }, null];
  sparkRead: [
    Table & { version?: number },
    { rows: readonly EngineRow[]; schema: EngineSchema; count: number },
  ];
  /** Spark's own log replay; `isFresh`: without what it remembers of the table. */
  sparkLog: [
    Table & { isFresh?: boolean },
    { version: number; fileCount: number; checkpointVersion: number; transactions: Record<string, number> },
  ];
  sparkSelect: [
    Table & { where: string; columns: readonly string[] },
    { skipping: Selected; full: Selected },
  ];
  /** The id of the query. */
  sparkStream: [Table & { target: string }, string];
  /** The table is `t`. */
  deltaRsQuery: [Table & { query: string }, readonly EngineRow[]];
  deltaRsRead: [
    Table & { version?: number; app_ids?: readonly string[] },
    {
      version: number;
      rows: readonly EngineRow[];
      schema: EngineSchema;
      fileCount: number;
      transactions: Record<string, number | null>;
    },
  ];
  deltaRsAppend: [NewRows & { schema_mode?: 'merge' }, null];
  deltaRsCopy: [{ source: string; target: string; partition_by?: readonly string[] }, null];
  deltaRsDelete: [Table & { predicate: string }, unknown];
  deltaRsUpdate: [Table & { predicate: string; updates: Readonly<Record<string, string>> }, unknown];
  deltaRsMerge: [NewRows & { on: string }, unknown];
  deltaRsOptimize: [Table & { z_order?: readonly string[] }, unknown];
  deltaRsCheckpoint: [Table, null];
  deltaRsCompactLogs: [Table & { start: number; end: number }, null];
  deltaRsVacuum: [Table, unknown];
}

/** Far more than any request takes, on a busy machine too: a hanging engine fails its test instead of stopping the suite. */
const deadlineMs = 180_000;

type Answer = { readonly value: unknown } | { readonly error: string };

interface Asked {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export class Engines {
  readonly #process: ChildProcess;
  readonly #asked: Asked[] = [];
  #errors = '';
  #end: Error | undefined;

  private constructor(process: ChildProcess) {
    this.#process = process;
    createInterface({ input: process.stdout! }).on('line', (line) =>
      this.#asked.shift()?.resolve(JSON.parse(line) as Answer),
    );
    process.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    process.stdin!.on('error', () => {}); // whoever waits for an answer hears of the end below
    process.once('close', (code, signal) => {
      this.#end = new Error(`engines.py ended with ${code ?? signal}:\n${this.#errors}`);
      for (const { reject } of this.#asked.splice(0)) reject(this.#end);
    });
  }

  /** Spark takes some seconds to start. */
  static async start(t: Cleanup): Promise<Engines> {
    const workFolder = mkdtempSync(join(tmpdir(), 'engines-'));
    t.after(() => rmSync(workFolder, { recursive: true, force: true }));
    const engines = new Engines(spawn(python, [scriptPath('engines.py')], { cwd: workFolder }));
    t.after(() => engines.#stop());
    await engines.#send({ jarFolder, workFolder });
    return engines;
  }

  async ask<Name extends keyof Operations>(
    op: Name,
    given: Operations[Name][0],
  ): Promise<Operations[Name][1]> {
    const answer = await this.#send({ op, ...given });
    if ('error' in answer) assert.fail(`${op}: ${answer.error}`);
    return answer.value as Operations[Name][1];
  }

  sql(...statements: string[]): Promise<readonly EngineRow[]> {
    return this.ask('sql', { statements });
  }

  async #send(request: unknown): Promise<Answer> {
    if (this.#end !== undefined) throw this.#end;
    const impatience = setTimeout(() => this.#process.kill('SIGKILL'), deadlineMs);
    try {
      return await new Promise((resolve, reject) => {
        this.#asked.push({ resolve, reject });
        this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
      });
    } finally {
      clearTimeout(impatience);
    }
  }

  async #stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const closed = once(this.#process, 'close');
    const impatience = setTimeout(() => this.#process.kill('SIGKILL'), 10_000);
    this.#process.stdin!.end();
    await closed;
    clearTimeout(impatience);
  }
}

/** Rows to compare as sets, whatever their order. */
export function rowTexts(rows: readonly EngineRow[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
