// Pure. The part of a definition that says which windows devices' readings are aggregated in.
import { numericTypes } from './fields.js';
import { describeValue, didYouMean, type Problems, quotedList } from './problems.js';
import { readSchedule } from './schedule.js';
import { isPlainObject, Section } from './section.js';
import type { Field, Window, WindowOutput, Windows } from './types.js';

const windowsKeys = [
  'definitions',
  'metrics',
  'allowedLatenessMs',
  'idleTimeoutMs',
  'shards',
  'maxShardBytes',
  'publishSchedule',
  'latestStateIntervalMs',
];
const kinds: readonly Window['kind'][] = ['tumbling', 'sliding', 'session'];
const keysOfKind = {
  tumbling: ['kind', 'sizeMs', 'offsetMs', 'output'],
  sliding: ['kind', 'sizeMs', 'slideMs', 'offsetMs', 'output'],
  session: ['kind', 'gapMs', 'maxSizeMs', 'output'],
} as const satisfies Record<Window['kind'], readonly string[]>;
const outputs: readonly WindowOutput[] = ['append', 'update', 'complete'];

const dayMs = 24 * 60 * 60 * 1000;
const longestMs = 366 * dayMs;

/** Each device keeps this many stretches at most for a sliding window: a day in steps of five minutes. */
const mostOverlappingWindows = 288;

/** @param fields the checked ones; metrics must be among them */
export function readWindows(problems: Problems, root: Section, fields: readonly Field[]): Windows {
  const section = root.optionalSection('windows', windowsKeys);
  const allowedLatenessMs = section.number('allowedLatenessMs', 300_000, {
    minimum: 0,
    maximum: 30 * dayMs,
    whole: true,
  });
  return {
    definitions: readDefinitions(problems, section, allowedLatenessMs),
    metrics: readMetrics(section, fields),
    allowedLatenessMs,
    idleTimeoutMs: readLength(section, 'idleTimeoutMs', 600_000, 1000),
    shards: section.number('shards', 16, { minimum: 1, maximum: 1024, whole: true }),
    maxShardBytes: section.number('maxShardBytes', 1_048_576, {
      minimum: 65_536,
      maximum: 67_108_864,
      whole: true,
    }),
    publishSchedule: readSchedule(section, 'publishSchedule', '*/10 * * * * *'),
    latestStateIntervalMs: readLength(section, 'latestStateIntervalMs', 60_000, 0),
  };
}

function readDefinitions(problems: Problems, windows: Section, allowedLatenessMs: number): readonly Window[] {
  const value = windows.value('definitions') ?? {};
  if (!isPlainObject(value)) {
    const example = `{ five_minutes: { kind: 'tumbling', sizeMs: 300_000 } }`;
    windows.report(
      'definitions',
      `is ${describeValue(value)}; it must be an object with a key per window, as ${example}`,
    );
    return [];
  }
  return Object.entries(value).flatMap(([name, definition]) => {
    const path = windows.pathOf(`definitions.${name}`);
    checkName(problems, path, name);
    return readDefinition(problems, path, name, definition, allowedLatenessMs) ?? [];
  });
}

function checkName(problems: Problems, path: string, name: string): void {
  if (/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) return;
  problems.add(
    path,
    'is no name for a window; use up to 64 letters, digits, "_" and "-", beginning with a letter',
  );
}

function readDefinition(
  problems: Problems,
  path: string,
  name: string,
  definition: unknown,
  allowedLatenessMs: number,
): Window | undefined {
  const kind = readKind(problems, path, definition);
  if (kind === undefined) return undefined;
  const section = new Section(problems, path, definition, keysOfKind[kind]);
  const output = section.has('output') ? (section.choice('output', outputs) ?? 'append') : 'append';
  switch (kind) {
    case 'tumbling': {
      const sizeMs = readNeededLength(section, 'sizeMs', 'length of a window');
      return { name, output, kind, sizeMs, offsetMs: readOffset(section, sizeMs, 'sizeMs') };
    }
    case 'sliding':
      return { name, output, kind, ...readSliding(section) };
    case 'session':
      return { name, output, kind, ...readSession(section, allowedLatenessMs) };
  }
}

/** Read before the other keys: which of them there may be depends on it. */
function readKind(problems: Problems, path: string, definition: unknown): Window['kind'] | undefined {
  if (isPlainObject(definition)) {
    const everyKey = [...new Set(Object.values(keysOfKind).flat())];
    const known = Object.fromEntries(Object.entries(definition).filter(([key]) => key === 'kind'));
    return new Section(problems, path, known, everyKey).choice('kind', kinds);
  }
  problems.add(
    path,
    `is ${describeValue(definition)}; it must be an object with "kind", one of ${quotedList(kinds)}`,
  );
  return undefined;
}

function readSliding(section: Section): { sizeMs: number; slideMs: number; offsetMs: number } {
  const sizeMs = readNeededLength(section, 'sizeMs', 'length of a window');
  const slideMs = readNeededLength(section, 'slideMs', 'time from the begin of a window to that of the next');
  if (slideMs > sizeMs) {
    section.report(
      'slideMs',
      `is ${slideMs}, above sizeMs (${sizeMs}), so readings between two windows would be in none; make it at most sizeMs`,
    );
  }
  const overlapping = Math.ceil(sizeMs / slideMs);
  if (overlapping > mostOverlappingWindows) {
    section.report(
      'slideMs',
      `is ${slideMs}, so a reading would be in ${overlapping} windows of ${sizeMs}; ${mostOverlappingWindows} at most: make it greater`,
    );
  }
  return { sizeMs, slideMs, offsetMs: readOffset(section, slideMs, 'slideMs') };
}

/** A greatest size above the lateness is what makes sessions independent of the order of delivery: docs/windows.md. */
function readSession(section: Section, allowedLatenessMs: number): { gapMs: number; maxSizeMs: number } {
  const gapMs = readNeededLength(section, 'gapMs', 'silence that ends a session');
  const maxSizeMs = readLength(section, 'maxSizeMs', dayMs, 1);
  const what = `is ${maxSizeMs}${section.has('maxSizeMs') ? '' : ' (the default)'}`;
  if (maxSizeMs < gapMs) section.report('maxSizeMs', `${what}, below gapMs (${gapMs}); make it greater`);
  if (maxSizeMs <= allowedLatenessMs) {
    section.report(
      'maxSizeMs',
      `${what}; it must be above windows.allowedLatenessMs (${allowedLatenessMs}), or late readings could move where a session is cut`,
    );
  }
  return { gapMs, maxSizeMs };
}

function readOffset(section: Section, below: number, belowKey: string): number {
  const offsetMs = readLength(section, 'offsetMs', 0, 0);
  if (offsetMs > 0 && offsetMs >= below) {
    section.report('offsetMs', `is ${offsetMs}; it must be less than ${belowKey} (${below})`);
  }
  return offsetMs;
}

function readLength(section: Section, key: string, preset: number, minimum: number): number {
  return section.number(key, preset, { minimum, maximum: longestMs, whole: true });
}

function readNeededLength(section: Section, key: string, purpose: string): number {
  if (section.has(key)) return readLength(section, key, 1, 1);
  section.report(key, `missing; it must be the ${purpose}, in milliseconds`);
  return 1;
}

function readMetrics(section: Section, fields: readonly Field[]): readonly string[] {
  const numeric = fields.filter((field) => numericTypes.includes(field.type)).map((field) => field.name);
  if (!section.has('metrics')) return numeric;
  const metrics = section.list('metrics', "an array of number fields, as ['temperature']");
  const seen = new Set<unknown>();
  return metrics.filter((metric): metric is string => {
    const isNumeric = typeof metric === 'string' && numeric.includes(metric);
    if (!isNumeric) reportMetric(section, metric, fields, numeric);
    else if (seen.has(metric)) section.report('metrics', `names "${metric}" twice; remove one of them`);
    seen.add(metric);
    return isNumeric;
  });
}

function reportMetric(
  section: Section,
  metric: unknown,
  fields: readonly Field[],
  numeric: readonly string[],
): void {
  const field = fields.find(({ name }) => name === metric);
  const hint = typeof metric === 'string' ? didYouMean(metric, numeric) : '';
  const what = field === undefined ? 'which is no field' : `a ${field.type} field`;
  section.report(
    'metrics',
    `has ${describeValue(metric)}, ${what}; metrics are fields of type double, long or integer.${hint}`,
  );
}
