// What definePipeline fills in, and the message for everything it refuses.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import defaultPipeline from '../../pipeline.js';
import { TributaryError } from '../../shared/base/index.js';
import { definePipeline, type PipelineDefinition, parseSourcePath } from '../../shared/pipeline/index.js';
import { seedRules } from '../alerts/alertPlans.js';

const valid = {
  source: { eventHub: 'hub' },
  deviceId: { from: 'id' },
  eventTime: { from: 'time' },
  fields: { temperature: { type: 'double' } },
} as const satisfies PipelineDefinition;

/** The problems that definePipeline reports; callers without types may hand it anything. */
function problemsOf(definition: unknown): string[] {
  try {
    definePipeline(definition as PipelineDefinition);
  } catch (error) {
    assert.ok(error instanceof TributaryError);
    assert.equal(error.code, 'CONFIG_INVALID');
    assert.equal(error.retry, 'operator');
    const [heading = '', ...lines] = error.message.split('\n');
    const count = lines.length === 1 ? 'is 1 problem' : `are ${lines.length} problems`;
    assert.equal(heading, `There ${count} in the pipeline's definition:`);
    return lines.map((line) => line.replace(/^- /, ''));
  }
  return [];
}

function problemsOfField(field: unknown): string[] {
  return problemsOf({ ...valid, fields: { temperature: field } });
}

describe('definePipeline', () => {
  it('fills in every default', () => {
    assert.deepEqual(definePipeline(valid), {
      source: { eventHub: 'hub', connection: 'EventHubs', consumerGroup: '$Default' },
      deviceId: { from: ['id'], maxLength: 256 },
      eventTime: { from: ['time'], forms: ['iso'], fallback: 'quarantine', maxClockSkewMs: 300_000 },
      fields: [
        {
          name: 'temperature',
          type: 'double',
          unit: undefined,
          description: undefined,
          range: undefined,
          required: false,
          from: ['temperature'],
          conversions: [],
        },
      ],
      tables: {
        readings: 'readings',
        quarantine: 'quarantine',
        windows: 'device_windows',
        alerts: 'device_alerts',
        lateReadings: 'late_readings',
        undeliveredAlerts: 'undelivered_alerts',
      },
      limits: {
        maxBodyBytes: 16_777_216,
        maxDepth: 32,
        maxReadingsPerEvent: 10_000,
        maxStringLength: 65_536,
      },
      maintenance: {
        schedule: '0 */5 * * * *',
        vacuumSchedule: '0 10 3 * * *',
        minimumSmallFiles: 50,
        targetFileBytes: undefined,
      },
      windows: {
        definitions: [],
        metrics: ['temperature'],
        allowedLatenessMs: 300_000,
        idleTimeoutMs: 600_000,
        shards: 16,
        maxShardBytes: 1_048_576,
        publishSchedule: '*/10 * * * * *',
        latestStateIntervalMs: 60_000,
      },
      alerts: {
        rules: [],
        silence: undefined,
        emit: 'transitions',
        eventHub: 'alerts',
        connection: 'EventHubs',
        webhooks: [],
      },
      files: [],
    });
  });

  it('keeps what is given, and makes lists of single texts', () => {
    const pipeline = definePipeline({
      source: { eventHub: 'hub', connection: 'Hub__1', consumerGroup: 'tributary' },
      deviceId: { from: ['id', '@key'], maxLength: 64 },
      eventTime: {
        from: '@system.creation-time-utc',
        forms: ['iso', 'epochMillis'],
        fallback: 'enqueuedTime',
        maxClockSkewMs: 0,
      },
      fields: {
        level: {
          type: 'integer',
          unit: 'percent',
          description: 'Charge',
          range: [0, 100],
          required: true,
          from: 'power.level',
          conversions: [{ name: 'tenths', devices: 'old-*', multiplyBy: 0.1 }],
        },
      },
      tables: { readings: 'R', quarantine: 'Q' },
      limits: { maxDepth: 3 },
    });
    assert.deepEqual(pipeline.fields, [
      {
        name: 'level',
        type: 'integer',
        unit: 'percent',
        description: 'Charge',
        range: [0, 100],
        required: true,
        from: ['power.level'],
        conversions: [{ name: 'tenths', devices: ['old-*'], multiplyBy: 0.1 }],
      },
    ]);
    assert.deepEqual(pipeline.deviceId, { from: ['id', '@key'], maxLength: 64 });
    assert.deepEqual([pipeline.tables.readings, pipeline.tables.quarantine], ['R', 'Q']);
    assert.equal(pipeline.limits.maxDepth, 3);
    assert.equal(pipeline.eventTime.maxClockSkewMs, 0);
  });

  it('reads a column from its own name, whatever characters the name has', () => {
    const pipeline = definePipeline({
      ...valid,
      fields: { 'a.b': { type: 'long' }, '@c': { type: 'long' } },
    });
    const paths = pipeline.fields.map((field) => parseSourcePath(field.from[0] ?? ''));
    assert.deepEqual(paths, [
      { kind: 'body', segments: ['a.b'] },
      { kind: 'body', segments: ['@c'] },
    ]);
  });

  it('takes a path that another goes on from, as battery and battery.level', () => {
    const fields = { battery: { type: 'double', from: ['battery', 'battery.level'] } };
    assert.deepEqual(problemsOf({ ...valid, fields }), []);
  });

  it('reports all problems at once, each with its path', () => {
    const problems = problemsOf({
      ...valid,
      source: {},
      fields: { temperature: { type: 'double', rnage: [0, 1] } },
      limits: { maxDepth: 0 },
    });
    assert.deepEqual(problems, [
      'limits.maxDepth: is 0; it must be a whole number from 1 to 1000',
      'source.eventHub: missing; it must be the name of an event hub',
      'fields.temperature.rnage: unknown key. Did you mean "range"?',
    ]);
  });
});

type Case = readonly [name: string, definition: unknown, ...problems: readonly RegExp[]];

const cases: readonly Case[] = [
  [
    'no definition',
    undefined,
    /^definition: missing; it must be an object with "source"/,
    /^source: missing/,
    /^deviceId: missing/,
    /^deviceId\.from: missing/,
    /^eventTime: missing/,
    /^eventTime\.from/,
    /^fields: missing/,
    /^source\.eventHub/,
  ],
  ['a misspelled key', { ...valid, sources: {} }, /^sources: unknown key\. Did you mean "source"\?$/],
  [
    'swapped letters',
    { ...valid, deviceId: { form: 'x', from: 'id' } },
    /^deviceId\.form: unknown key\. Did you mean "from"\?$/,
  ],
  ['a key near nothing', { ...valid, kafka: {} }, /^kafka: unknown key\. Known keys: "source", "deviceId"/],
  [
    'an event hub of a wrong type',
    { ...valid, source: { eventHub: 7 } },
    /^source\.eventHub: is 7; it must be the name of an event hub$/,
  ],
  [
    'an event hub with odd characters',
    { ...valid, source: { eventHub: 'a b' } },
    /^source\.eventHub: is "a b"; an event hub's name has letters/,
  ],
  [
    'a connection that is no name',
    { ...valid, source: { eventHub: 'hub', connection: 'a b' } },
    /^source\.connection: must be the name of an app setting/,
  ],
  [
    'an empty consumer group',
    { ...valid, source: { eventHub: 'hub', consumerGroup: '' } },
    /^source\.consumerGroup: is ""/,
  ],
  ['no device path', { ...valid, deviceId: { from: [] } }, /^deviceId\.from: is empty; it must be a path/],
  [
    'an empty path in a list',
    { ...valid, deviceId: { from: ['id', ''] } },
    /^deviceId\.from: has ""; it must be a path/,
  ],
  [
    'a path that is a number',
    { ...valid, deviceId: { from: 5 } },
    /^deviceId\.from: is 5; it must be a path/,
  ],
  [
    'a device id length of 0',
    { ...valid, deviceId: { from: 'id', maxLength: 0 } },
    /^deviceId\.maxLength: is 0; it must be a whole number from 1 to 65536$/,
  ],
  [
    'an unknown form',
    { ...valid, eventTime: { from: 'time', forms: ['ISO8601'] } },
    /^eventTime\.forms: is "ISO8601"; it must be one of "iso"/,
  ],
  [
    'a form in other letters',
    { ...valid, eventTime: { from: 'time', forms: ['epochmillis'] } },
    /Did you mean "epochMillis"\?$/,
  ],
  [
    'several epoch forms',
    { ...valid, eventTime: { from: 'time', forms: ['epochSeconds', 'iso', 'epochMillis'] } },
    /^eventTime\.forms: has epochSeconds and epochMillis, but a number does not say its own unit; keep one of them$/,
  ],
  [
    'a form named twice',
    { ...valid, eventTime: { from: 'time', forms: ['iso', 'iso'] } },
    /^eventTime\.forms: names a form twice/,
  ],
  ['no forms', { ...valid, eventTime: { from: 'time', forms: [] } }, /^eventTime\.forms: is empty/],
  [
    'forms that are a text',
    { ...valid, eventTime: { from: 'time', forms: 'iso' } },
    /^eventTime\.forms: is "iso"; it must be an array of forms/,
  ],
  [
    'an unknown fallback',
    { ...valid, eventTime: { from: 'time', fallback: 'now' } },
    /^eventTime\.fallback: is "now"; it must be one of "quarantine", "enqueuedTime"\.$/,
  ],
  [
    'a negative skew',
    { ...valid, eventTime: { from: 'time', maxClockSkewMs: -1 } },
    /^eventTime\.maxClockSkewMs: is -1/,
  ],
  [
    'a skew that is not finite',
    { ...valid, eventTime: { from: 'time', maxClockSkewMs: Number.POSITIVE_INFINITY } },
    /^eventTime\.maxClockSkewMs: is Infinity/,
  ],
  ['no fields', { ...valid, fields: {} }, /^fields: is empty; it must be an object with at least one column/],
  ['fields in an array', { ...valid, fields: [] }, /^fields: is an array/],
  [
    'fields with a prototype of their own',
    { ...valid, fields: JSON.parse('{}', () => Object.create({ a: 1 })) },
    /^fields: is an object/,
  ],
  [
    'tables of one name',
    { ...valid, tables: { readings: 'Quarantine' } },
    /^tables\.quarantine: has the name of tables\.readings; give it one of its own$/,
  ],
  [
    'a table name with a slash',
    { ...valid, tables: { readings: 'a/b' } },
    /^tables\.readings: is "a\/b"; a table's name has letters, digits, "_" and "-" only$/,
  ],
  [
    'a limit of 0',
    { ...valid, limits: { maxBodyBytes: 0 } },
    /^limits\.maxBodyBytes: is 0; it must be a whole number from 1 to 268435456$/,
  ],
  [
    'a limit that is not whole',
    { ...valid, limits: { maxStringLength: 1.5 } },
    /^limits\.maxStringLength: is 1\.5/,
  ],
  [
    'a limit that is no number',
    { ...valid, limits: { maxReadingsPerEvent: '10' } },
    /^limits\.maxReadingsPerEvent: is "10"/,
  ],
  ['limits that are no object', { ...valid, limits: 5 }, /^limits: is 5; it must be an object/],
  ['a limit that is NaN', { ...valid, limits: { maxDepth: Number.NaN } }, /^limits\.maxDepth: is NaN/],
];

const pathCases: readonly (readonly [path: string, problem: RegExp])[] = [
  ['a..b', /has an empty part/],
  ['.a', /has an empty part/],
  ['a.', /has an empty part/],
  ['a\\b', /a backslash may only stand before/],
  ['a\\', /a backslash may only stand before/],
  ['@', /a path that starts with "@" must be @key/],
  ['@headers.x', /a path that starts with "@" must be @key/],
  ['@property.', /a path that starts with "@" must be @key/],
  ['@keys', /a path that starts with "@" must be @key/],
];

const nameCases: readonly (readonly [name: string, problem: RegExp])[] = [
  ['device_id', /is a column that every table has/],
  ['Event_Time', /is a column that every table has/],
  ['_index', /starts with "_"/],
  ['a b', /has the character " ", which Delta refuses/],
  ['a,b', /has the character ","/],
  ['a;b', /has the character ";"/],
  ['a{b', /has the character "{"/],
  ['a}b', /has the character "}"/],
  ['a(b', /has the character "\("/],
  ['a)b', /has the character "\)"/],
  ['a\nb', /has the character "\\n"/],
  ['a\tb', /has the character "\\t"/],
  ['a=b', /has the character "="/],
  ['17', /has digits only/],
];

const fieldCases: readonly (readonly [name: string, field: unknown, ...problems: readonly RegExp[]])[] = [
  ['no type', {}, /^fields\.temperature\.type: missing; it must be one of "string", "double"/],
  [
    'a type of another language',
    { type: 'float' },
    /^fields\.temperature\.type: is "float", which is not a type here\. Did you mean "double"\?$/,
  ],
  ['a misspelled type', { type: 'intger' }, /Did you mean "integer"\?$/],
  [
    'a field that is a text',
    'double',
    /^fields\.temperature: is "double"; it must be an object/,
    /^fields\.temperature\.type/,
  ],
  [
    'a range on a text',
    { type: 'string', range: [0, 1] },
    /^fields\.temperature\.range: a string field has no range/,
  ],
  ['a range on a time', { type: 'timestamp', range: [0, 1] }, /a timestamp field has no range/],
  [
    'a range upside down',
    { type: 'double', range: [2, 1] },
    /the minimum 2 is above the maximum 1; swap them$/,
  ],
  [
    'a range without end',
    { type: 'double', range: [0, Number.POSITIVE_INFINITY] },
    /must be two finite numbers/,
  ],
  ['a range of one bound', { type: 'double', range: [0] }, /must be two finite numbers/],
  ['a range of texts', { type: 'double', range: ['0', '1'] }, /must be two finite numbers/],
  [
    'a fractional range of integers',
    { type: 'long', range: [0, 1.5] },
    /the bounds of a long field must be whole numbers$/,
  ],
  [
    'required that is a text',
    { type: 'double', required: 'yes' },
    /^fields\.temperature\.required: is "yes"; it must be true or false$/,
  ],
  [
    'a unit that is a number',
    { type: 'double', unit: 5 },
    /^fields\.temperature\.unit: is 5; it must be a text$/,
  ],
  [
    'a conversion on a text',
    { type: 'string', conversions: [{ name: 'n', devices: '*', multiplyBy: 2 }] },
    /only numbers can be converted, and this field is a string$/,
  ],
  [
    'conversions that are no array',
    { type: 'double', conversions: {} },
    /^fields\.temperature\.conversions: is an object; it must be an array of rules$/,
  ],
  [
    'a conversion by 0',
    { type: 'double', conversions: [{ name: 'n', devices: '*', multiplyBy: 0 }] },
    /^fields\.temperature\.conversions\[0\]\.multiplyBy: is 0; it must be a finite number other than 0$/,
  ],
  [
    'a conversion by infinity',
    { type: 'double', conversions: [{ name: 'n', devices: '*', multiplyBy: Number.POSITIVE_INFINITY }] },
    /multiplyBy: is Infinity/,
  ],
  [
    'a conversion without factor',
    { type: 'double', conversions: [{ name: 'n', devices: '*' }] },
    /multiplyBy: missing/,
  ],
  [
    'a conversion for no device',
    { type: 'double', conversions: [{ name: 'n', devices: [], multiplyBy: 2 }] },
    /devices: is empty/,
  ],
  [
    'an empty device pattern',
    { type: 'double', conversions: [{ name: 'n', devices: ['a', ''], multiplyBy: 2 }] },
    /devices: has ""; it must be a pattern of device ids/,
  ],
  [
    'a device pattern with a space at its end',
    { type: 'double', conversions: [{ name: 'n', devices: 'a* ', multiplyBy: 2 }] },
    /devices: "a\* " begins or ends with a space/,
  ],
  [
    'a rule name with a comma',
    { type: 'double', conversions: [{ name: 'a,b', devices: '*', multiplyBy: 2 }] },
    /name: is "a,b"; use letters, digits/,
  ],
  [
    'a rule without a name',
    { type: 'double', conversions: [{ devices: '*', multiplyBy: 2 }] },
    /name: missing/,
  ],
  [
    'two rules of one name',
    {
      type: 'double',
      conversions: [
        { name: 'n', devices: 'a', multiplyBy: 2 },
        { name: 'n', devices: 'b', multiplyBy: 3 },
      ],
    },
    /^fields\.temperature\.conversions\[1\]\.name: "n" is taken by fields\.temperature\.conversions\[0\]/,
  ],
  [
    'a misspelled key of a rule',
    { type: 'double', conversions: [{ name: 'n', device: '*', devices: '*', multiplyBy: 2 }] },
    /conversions\[0\]\.device: unknown key\. Did you mean "devices"\?$/,
  ],
  [
    'a path used twice in one list',
    { type: 'double', from: ['a', 'a'] },
    /^fields\.temperature\.from: "a" is there twice\. Remove one of them$/,
  ],
  [
    'a path of another column',
    { type: 'double', from: 'id' },
    /^fields\.temperature\.from: "id" is taken by deviceId\.from; a place feeds one column\. Remove one of them$/,
  ],
  [
    'a path deeper than a body may be',
    { type: 'double', from: Array.from({ length: 33 }, () => 'a').join('.') },
    /is deeper than limits\.maxDepth \(32\)/,
  ],
];

describe('maintenance.schedule', () => {
  const scheduled = (schedule: string) => () => definePipeline({ ...valid, maintenance: { schedule } });

  it('takes six fields, or the name of a setting', () => {
    assert.equal(scheduled('30 */2 * * * MON-FRI')().maintenance.schedule, '30 */2 * * * MON-FRI');
    assert.equal(scheduled('%SCHEDULE%')().maintenance.schedule, '%SCHEDULE%');
  });

  it('refuses anything else, with the form that it should have', () => {
    for (const schedule of ['*/5 * * * *', 'hourly', '']) {
      assert.throws(scheduled(schedule), /maintenance\.schedule/, schedule);
    }
  });
});

describe('definePipeline refuses', () => {
  for (const [name, definition, ...expected] of cases) {
    it(name, () => assertProblems(problemsOf(definition), expected));
  }
  for (const [name, field, ...expected] of fieldCases) {
    it(name, () => assertProblems(problemsOfField(field), expected));
  }
  for (const [path, expected] of pathCases) {
    it(`the path ${JSON.stringify(path)}`, () => {
      assertProblems(problemsOfField({ type: 'double', from: path }), [expected]);
    });
  }
  for (const [name, expected] of nameCases) {
    it(`the column name ${JSON.stringify(name)}`, () => {
      assertProblems(problemsOf({ ...valid, fields: { [name]: { type: 'double' } } }), [expected]);
    });
  }

  it('column names that differ in case only', () => {
    const fields = { Level: { type: 'double' }, level: { type: 'double' } };
    assertProblems(problemsOf({ ...valid, fields }), [
      /^fields\.level: differs from column "Level" in case only/,
    ]);
  });

  it('one property in two spellings, since the host lower-cases its first letter', () => {
    const fields = {
      a: { type: 'double', from: '@property.Site' },
      b: { type: 'double', from: '@property.site' },
    };
    assertProblems(problemsOf({ ...valid, fields }), [
      /^fields\.b\.from: "@property\.site" is taken by fields\.a\.from/,
    ]);
  });

  it('a connection string in place of a setting, without repeating it', () => {
    const connection = 'Endpoint=sb://hub.servicebus.windows.net/;SharedAccessKey=c2VjcmV0';
    const problems = problemsOf({ ...valid, source: { eventHub: 'hub', connection } });
    assertProblems(problems, [
      /^source\.connection: holds a connection string; put that into an app setting/,
    ]);
    assert.ok(!problems.join().includes('c2VjcmV0'));
  });

  function assertProblems(problems: readonly string[], expected: readonly RegExp[]): void {
    assert.equal(problems.length, expected.length, problems.join('\n'));
    for (const pattern of expected) {
      assert.ok(
        problems.some((problem) => pattern.test(problem)),
        `${pattern} is not among:\n${problems.join('\n')}`,
      );
    }
  }
});

describe('pipeline.ts', () => {
  it('is valid and reads the hub of the samples', () => {
    assert.equal(defaultPipeline.source.eventHub, 'sensor-data');
    assert.deepEqual(
      defaultPipeline.fields.map((field) => field.name),
      ['temperature', 'humidity', 'pressure', 'battery', 'lat', 'lon', 'status'],
    );
  });

  it('has the rules of the exercise, a group for each field', () => {
    assert.deepEqual(
      defaultPipeline.alerts.rules,
      seedRules.map((rule) => ({ ...rule, group: rule.when.field })),
    );
    assert.equal(defaultPipeline.alerts.emit, 'transitions');
  });
});
