// Pure. Errors with a stable code and a word on whether trying again can help. Every code is explained in docs/errors.md.

/**
 * What a caller may do about an error:
 * - `transient`: the same call may succeed later (network, throttling, lost race): keep the partition and retry.
 * - `permanent`: the same input fails every time: isolate it, do not retry.
 * - `operator`: a person must change something (settings, schema, a wiped hub); the message says what.
 */
export type RetryHint = 'transient' | 'permanent' | 'operator';

/** code -> retry hint. A code never changes its meaning; docs/errors.md lists exactly these. */
export const errorCodes = {
  CONFIG_INVALID: 'operator',
  SETTING_MISSING: 'operator',
  STORAGE_UNAVAILABLE: 'transient',
  STORAGE_DENIED: 'operator',
  STORAGE_CONTAINER_NOT_FOUND: 'operator',
  STORAGE_REJECTED: 'operator',
  STORAGE_INVALID_PATH: 'permanent',
  PARQUET_INVALID: 'permanent',
  PARQUET_UNSUPPORTED: 'permanent',
  DELTA_TABLE_NOT_FOUND: 'operator',
  DELTA_LOG_CORRUPT: 'operator',
  DELTA_LOG_GAP: 'operator',
  DELTA_VERSION_NOT_FOUND: 'operator',
  DELTA_PROTOCOL_UNSUPPORTED: 'operator',
  DELTA_FILE_MISSING: 'operator',
  DELTA_SCHEMA_MISMATCH: 'operator',
  DELTA_COMMIT_CONTENTION: 'transient',
  EVENT_BATCH_INVALID: 'permanent',
  FILE_BATCH_SUPERSEDED: 'transient',
  FILE_COLUMNS_UNEXPECTED: 'operator',
  FILE_LEDGER_MISMATCH: 'operator',
  STATE_UNREADABLE: 'operator',
  PUBLISH_FAILED: 'transient',
  INPUT_INVALID: 'permanent',
  SHARD_UNREACHABLE: 'transient',
  SHARD_FULL: 'permanent',
  SHARD_OUTBOX_FULL: 'transient',
  SHARD_COUNT_CHANGED: 'operator',
  LOCAL_PORT_IN_USE: 'operator',
  LOCAL_STATE_MISMATCH: 'operator',
  LOCAL_START_FAILED: 'operator',
  LOCAL_SERVICE_ENDED: 'operator',
  LOCAL_ALREADY_RUNNING: 'operator',
  LOCAL_NOT_RUNNING: 'operator',
} as const satisfies Record<string, RetryHint>;

export type ErrorCode = keyof typeof errorCodes;

export interface TributaryErrorOptions {
  readonly cause?: unknown;
  /** Overrides the code's usual hint, where the situation is known better. */
  readonly retry?: RetryHint;
}

export class TributaryError extends Error {
  readonly code: ErrorCode;
  readonly retry: RetryHint;

  /** `message` says what happened, where, and how to fix it. */
  constructor(code: ErrorCode, message: string, options: TributaryErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'TributaryError';
    this.code = code;
    this.retry = options.retry ?? errorCodes[code];
    // A Functions host logs the stack and nothing else.
    if (this.stack !== undefined) this.stack = this.stack.replace(/^\w*Error:/, `TributaryError [${code}]:`);
  }
}

/** Unknown errors count as permanent: they come from our own code on this input, not from the outside world. */
export function retryHintOf(error: unknown): RetryHint {
  return error instanceof TributaryError ? error.retry : 'permanent';
}

/** One line for a log or a terminal: the message, and the messages of its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : ` (caused by: ${describeError(error.cause)})`;
  const code = error instanceof TributaryError ? `${error.code}: ` : '';
  return `${code}${error.message}${cause}`;
}
