// Structured log lines. One JSON object a line in Azure; readable text where a person watches.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Values must be safe to print: never a connection string, a key or a reading's body. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

export const silentLogger: Logger = { log: () => {} };

const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/**
 * Writes each line through `write`, e.g. `console.log` or the invocation context's `log`.
 * @param minimumLevel lines below it are dropped
 */
export function createLogger(
  write: (line: string, level: LogLevel) => void,
  minimumLevel: LogLevel = 'debug',
): Logger {
  return {
    log(level, message, fields) {
      if (severity[level] < severity[minimumLevel]) return;
      write(fields === undefined ? message : `${message} ${JSON.stringify(fields)}`, level);
    },
  };
}
