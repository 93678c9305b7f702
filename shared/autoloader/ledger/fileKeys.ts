// Keys of a stream's rows in the ledger. All rows of a stream share one partition, so that a file's two rows change together.
//
//   f:<id>            one file, for ever: what it is and what became of it
//   t:<time>:<id>     a file that waits to be loaded; gone once it is
//   b:<number>        one batch: the files it has
//   s:state           when the stream was born
import { createHash } from 'node:crypto';

export const stateKey = 's:state';

const timeDigits = 14;
const batchDigits = 12;

/** 132 bits of a hash: names have up to 1,024 characters of any kind, keys have not. */
export function fileId(identity: string): string {
  return createHash('sha256').update(identity).digest('base64url').slice(0, 22);
}

export function fileKey(id: string): string {
  return `f:${id}`;
}

/** Waiting files sort by the time of their discovery. */
export function todoKey(discoveredMs: number, id: string): string {
  return `t:${String(discoveredMs).padStart(timeDigits, '0')}:${id}`;
}

/** Rows of files that wait, discovered before `beforeMs` if that is given. */
export function todoRange(beforeMs?: number): { readonly rowFrom: string; readonly rowBefore: string } {
  return { rowFrom: 't:', rowBefore: beforeMs === undefined ? 't;' : todoKey(beforeMs, '') };
}

export function idOfTodo(key: string): string {
  return key.slice('t:'.length + timeDigits + 1);
}

export const fileRange = { rowFrom: 'f:', rowBefore: 'f;' } as const;

export function batchKey(batch: number): string {
  return `b:${String(batch).padStart(batchDigits, '0')}`;
}
