// Pure. Which lines of a service's output a person should see at once.

export interface LogNotice {
  readonly level: 'warning' | 'error';
  readonly text: string;
}

/** `05:06:07.089 warn  Something` or `[2026-11-21T05:06:07.089Z] error: Something`: a time or none, a level, the message. */
const leveledLine =
  /^\s*(?:\[?(?:\d{4}-\d\d-\d\dT)?\d\d:\d\d:[\d.]+Z?\]?\s+)?\[?(trace|debug|verbose|info|information|warn|warning|error|critical|fatal)\]?:?\s+(\S.*)$/i;

/** Undefined for lines that say that all is well, or that have no level of their own (stack traces, banners). */
export function noticeOf(line: string): LogNotice | undefined {
  const match = leveledLine.exec(line);
  if (match === null) return undefined;
  const level = match[1]?.toLowerCase() ?? '';
  const text = match[2] ?? '';
  if (/^(error|critical|fatal)$/.test(level)) return { level: 'error', text };
  return level.startsWith('warn') ? { level: 'warning', text } : undefined;
}
