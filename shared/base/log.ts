// Structured log lines. One JSON object a line in Azure; readable text where a person watches.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Values must be safe to print: never a connection string, a key or a reading's body. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

export const silentLogger: Logger = { log: () => {} };

/** Writes each line through `write`, e.g. `console.log` or the invocation context's `log`. */
export function createLogger(write: (line: string, level: LogLevel) => void): Logger {
  return {
    log(level, message, fields) {
      write(fields === undefined ? message : `${message} ${JSON.stringify(fields)}`, level);
    },
  };
}
