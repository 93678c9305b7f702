// What definePipeline makes of `windows`, and the message for everything that it refuses there.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TributaryError } from '../../shared/base/index.js';
import {
  definePipeline,
  type PipelineDefinition,
  type WindowsDefinition,
} from '../../shared/pipeline/index.js';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

function pipelineWith(windows: unknown): PipelineDefinition {
  return {
    source: { eventHub: 'hub' },
    deviceId: { from: 'id' },
    eventTime: { from: 'time' },
    fields: {
      temperature: { type: 'double' },
      status: { type: 'string' },
      starts: { type: 'long' },
      level: { type: 'integer' },
    },
    // Callers without types may hand over anything.
    windows: windows as WindowsDefinition,
  };
}

function problemsOf(windows: unknown): readonly string[] {
  try {
    definePipeline(pipelineWith(windows));
  } catch (error) {
    assert.ok(error instanceof TributaryError && error.code === 'CONFIG_INVALID');
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.replace(/^- (windows\.)?/, ''));
  }
  return [];
}

describe('windows', () => {
  it('keep what is given, and get their defaults', () => {
    const { windows } = definePipeline(
      pipelineWith({
        definitions: {
          five_minutes: { kind: 'tumbling', sizeMs: 5 * minuteMs },
          hour: { kind: 'sliding', sizeMs: 60 * minuteMs, slideMs: minuteMs, offsetMs: 1, output: 'update' },
          visit: { kind: 'session', gapMs: minuteMs, output: 'complete' },
        },
        metrics: ['level', 'temperature'],
        allowedLatenessMs: 0,
        idleTimeoutMs: 1000,
        shards: 4,
        maxShardBytes: 100_000,
        publishSchedule: '%PUBLISH%',
        latestStateIntervalMs: 0,
      }),
    );
    assert.deepEqual(windows, {
      definitions: [
        { name: 'five_minutes', output: 'append', kind: 'tumbling', sizeMs: 5 * minuteMs, offsetMs: 0 },
        {
          name: 'hour',
          output: 'update',
          kind: 'sliding',
          sizeMs: 60 * minuteMs,
          slideMs: minuteMs,
          offsetMs: 1,
        },
        { name: 'visit', output: 'complete', kind: 'session', gapMs: minuteMs, maxSizeMs: dayMs },
      ],
      metrics: ['level', 'temperature'],
      allowedLatenessMs: 0,
      idleTimeoutMs: 1000,
      shards: 4,
      maxShardBytes: 100_000,
      publishSchedule: '%PUBLISH%',
      latestStateIntervalMs: 0,
    });
  });

  it('aggregate every number field unless they name some', () => {
    assert.deepEqual(definePipeline(pipelineWith(undefined)).windows.metrics, [
      'temperature',
      'starts',
      'level',
    ]);
    assert.deepEqual(definePipeline(pipelineWith({ metrics: [] })).windows.metrics, []);
  });

  it('may be as wide as they overlap 288 times', () => {
    const hop = { kind: 'sliding', sizeMs: dayMs, slideMs: 5 * minuteMs };
    assert.deepEqual(problemsOf({ definitions: { hop } }), []);
  });
});

const tumbling = { kind: 'tumbling', sizeMs: minuteMs };
const sliding = { kind: 'sliding', sizeMs: minuteMs, slideMs: minuteMs };
const session = { kind: 'session', gapMs: minuteMs };

const cases: readonly (readonly [name: string, windows: unknown, ...problems: readonly string[]])[] = [
  ['windows that are a list', [], 'windows: is an array; it must be an object with "definitions", "metrics"'],
  ['a misspelled key', { definition: {} }, 'definition: unknown key. Did you mean "definitions"?'],
  [
    'definitions in a list',
    { definitions: [tumbling] },
    "definitions: is an array; it must be an object with a key per window, as { five_minutes: { kind: 'tumbling'",
  ],
  [
    'a definition that is a number',
    { definitions: { five: 5 } },
    'definitions.five: is 5; it must be an object with "kind", one of "tumbling", "sliding", "session"',
  ],
  [
    'a definition without kind',
    { definitions: { five: { sizeMs: 1 } } },
    'definitions.five.kind: missing; it must be one of "tumbling", "sliding", "session"',
  ],
  [
    'a kind in other words',
    { definitions: { five: { ...sliding, kind: 'slidin' } } },
    'definitions.five.kind: is "slidin"; it must be one of "tumbling", "sliding", "session". Did you mean "sliding"?',
  ],
  [
    'a key of another kind',
    { definitions: { five: { ...tumbling, slideMs: 1 } } },
    'definitions.five.slideMs: unknown key. Did you mean "sizeMs"?',
  ],
  [
    'an unknown output',
    { definitions: { five: { ...tumbling, output: 'upsert' } } },
    'definitions.five.output: is "upsert"; it must be one of "append", "update", "complete".',
  ],
  [
    'a name with a space',
    { definitions: { 'five minutes': tumbling } },
    'definitions.five minutes: is no name for a window; use up to 64 letters, digits, "_" and "-", beginning with a letter',
  ],
  ['a name of digits', { definitions: { 5: tumbling } }, 'definitions.5: is no name for a window'],
  [
    'a name that is too long',
    { definitions: { ['x'.repeat(65)]: tumbling } },
    `definitions.${'x'.repeat(65)}: is no name for a window`,
  ],
  [
    'a window without size',
    { definitions: { five: { kind: 'tumbling' } } },
    'definitions.five.sizeMs: missing; it must be the length of a window, in milliseconds',
  ],
  [
    'a size of 0',
    { definitions: { five: { ...tumbling, sizeMs: 0 } } },
    'definitions.five.sizeMs: is 0; it must be a whole number from 1 to 31622400000',
  ],
  [
    'a size that is a text',
    { definitions: { five: { ...tumbling, sizeMs: '5 minutes' } } },
    'definitions.five.sizeMs: is "5 minutes"; it must be a whole number',
  ],
  [
    'an offset that reaches the next window',
    { definitions: { five: { ...tumbling, offsetMs: minuteMs } } },
    'definitions.five.offsetMs: is 60000; it must be less than sizeMs (60000)',
  ],
  [
    'a negative offset',
    { definitions: { hop: { ...sliding, offsetMs: -1 } } },
    'definitions.hop.offsetMs: is -1; it must be a whole number from 0',
  ],
  [
    'an offset that reaches the next slide',
    { definitions: { hop: { ...sliding, slideMs: 1000, offsetMs: 1000 } } },
    'definitions.hop.offsetMs: is 1000; it must be less than slideMs (1000)',
  ],
  [
    'a slide that leaves holes',
    { definitions: { hop: { ...sliding, slideMs: minuteMs + 1 } } },
    'definitions.hop.slideMs: is 60001, above sizeMs (60000), so readings between two windows would be in none; make it at most sizeMs',
  ],
  [
    'windows that overlap too often',
    { definitions: { hop: { ...sliding, sizeMs: dayMs } } },
    'definitions.hop.slideMs: is 60000, so a reading would be in 1440 windows of 86400000; 288 at most: make it greater',
  ],
  [
    'a session without gap',
    { definitions: { visit: { kind: 'session' } } },
    'definitions.visit.gapMs: missing; it must be the silence that ends a session, in milliseconds',
  ],
  [
    'a session that is cut within its gap',
    { definitions: { visit: { ...session, maxSizeMs: 59_999 } }, allowedLatenessMs: 0 },
    'definitions.visit.maxSizeMs: is 59999, below gapMs (60000); make it greater',
  ],
  [
    'a session that is cut within the lateness',
    { definitions: { visit: { ...session, maxSizeMs: 5 * minuteMs } } },
    'definitions.visit.maxSizeMs: is 300000; it must be above windows.allowedLatenessMs (300000), or late readings',
  ],
  [
    'a lateness beyond the default size of sessions',
    { definitions: { visit: session }, allowedLatenessMs: dayMs },
    'definitions.visit.maxSizeMs: is 86400000 (the default); it must be above windows.allowedLatenessMs (86400000)',
  ],
  [
    'metrics that are a text',
    { metrics: 'level' },
    'metrics: is "level"; it must be an array of number fields',
  ],
  [
    'a metric that is no field',
    { metrics: ['temprature'] },
    'metrics: has "temprature", which is no field; metrics are fields of type double, long or integer. Did you mean "temperature"?',
  ],
  [
    'a metric that is no number',
    { metrics: ['status'] },
    'metrics: has "status", a string field; metrics are fields of type double, long or integer.',
  ],
  ['a metric that is no name', { metrics: [7] }, 'metrics: has 7, which is no field'],
  [
    'a metric named twice',
    { metrics: ['level', 'level'] },
    'metrics: names "level" twice; remove one of them',
  ],
  [
    'a negative lateness',
    { allowedLatenessMs: -1 },
    'allowedLatenessMs: is -1; it must be a whole number from 0 to 2592000000',
  ],
  ['an idle timeout of 0', { idleTimeoutMs: 0 }, 'idleTimeoutMs: is 0; it must be a whole number from 1000'],
  ['no shards', { shards: 0 }, 'shards: is 0; it must be a whole number from 1 to 1024'],
  [
    'a schedule of five fields',
    { publishSchedule: '* * * * *' },
    'publishSchedule: is "* * * * *"; a schedule has six',
  ],
  [
    'a negative interval',
    { latestStateIntervalMs: -1 },
    'latestStateIntervalMs: is -1; it must be a whole number from 0',
  ],
];

describe('windows refuse', () => {
  for (const [name, windows, ...expected] of cases) {
    it(name, () => {
      const problems = problemsOf(windows);
      assert.equal(problems.length, expected.length, problems.join('\n'));
      for (const [index, problem] of expected.entries()) {
        assert.ok(problems[index]!.startsWith(problem), problems[index]);
      }
    });
  }
});
