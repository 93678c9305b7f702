// From a reading's JSON to its row: paths, types, aliases, what is rescued, conversions.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import defaultPipeline from '../../pipeline.js';
import { createEventDecoder, readingFields, readingSchema } from '../../shared/events/index.js';
import type { FieldDefinition, Pipeline } from '../../shared/pipeline/index.js';
import { eventBatch, ingestTimeMs, type Row, rowsOf } from './batches.js';
import { pipelineWith } from './pipelines.js';

const id = '"id":"d1","time":"2025-10-06T10:00:00Z"';

function decodeOne(pipeline: Pipeline, body: string): Row {
  const decoded = createEventDecoder(pipeline).decode(eventBatch([{ body }]), ingestTimeMs);
  assert.deepEqual(rowsOf(decoded.quarantine), []);
  const rows = rowsOf(decoded.readings);
  assert.equal(rows.length, 1);
  return rows[0]!;
}

/** [value of column `x`, `_rescued_data`] for a reading that has `members` beside its id and time. */
function cellFor(field: FieldDefinition, members: string): readonly [unknown, unknown] {
  const row = decodeOne(pipelineWith({ x: field }), `{${id},${members}}`);
  return [row.x, row._rescued_data];
}

describe('readingFields', () => {
  it('has the columns in their documented order', () => {
    const columns = readingFields(defaultPipeline).map(
      ({ name, type, nullable }) => `${name} ${type} ${nullable}`,
    );
    assert.deepEqual(columns, [
      'device_id string false',
      'event_time timestamp false',
      'temperature double true',
      'humidity double true',
      'pressure double true',
      'battery double true',
      'lat double true',
      'lon double true',
      'status string true',
      '_rescued_data string true',
      '_rules string true',
      '_source string false',
      '_partition string false',
      '_sequence_number long false',
      '_index integer false',
      '_enqueued_time timestamp false',
      '_ingest_time timestamp false',
    ]);
  });

  it('carries units and descriptions into the schema as comments', () => {
    const comments = readingSchema(defaultPipeline).fields.map((field) => field.metadata.comment);
    assert.equal(comments[2], 'celsius');
    assert.equal(comments[3], 'Relative humidity (percent)');
    assert.deepEqual(readingSchema(pipelineWith({ x: { type: 'long' } })).fields[2]?.metadata, {});
  });
});

describe('a value', () => {
  const long = { type: 'long' } as const;
  const cases: readonly (readonly [field: FieldDefinition, json: string, cell: unknown, rescued?: string])[] =
    [
      [{ type: 'string' }, '"OK"', 'OK'],
      [{ type: 'string' }, '""', ''],
      [{ type: 'string' }, '"\\u00e9\\ud83d\\ude00"', 'é😀'],
      [{ type: 'string' }, '12', '12'],
      [{ type: 'string' }, '1.50', '1.50'],
      [{ type: 'string' }, '12345678901234567890', '12345678901234567890'],
      [{ type: 'string' }, '"\\ud800"', null, '"\\ud800"'],
      [{ type: 'string' }, '"\\udc00\\ud800"', null, '"\\udc00\\ud800"'],
      [{ type: 'string' }, 'true', null, 'true'],
      [{ type: 'string' }, '["a"]', null, '["a"]'],
      [{ type: 'string' }, '{"a": 1.0}', null, '{"a": 1.0}'],
      [{ type: 'double' }, '21.5', 21.5],
      [{ type: 'double' }, '-0', -0],
      [{ type: 'double' }, '1e300', 1e300],
      [{ type: 'double' }, '"21.5"', 21.5],
      [{ type: 'double' }, '"1e3"', 1000],
      [{ type: 'double' }, '21.100000381469727', 21.100000381469727],
      [{ type: 'double' }, '0.10000000000000000555', 0.1],
      [{ type: 'double' }, '9007199254740992', 9_007_199_254_740_992],
      [{ type: 'double' }, '9007199254740993', null, '9007199254740993'],
      [{ type: 'double' }, '1e400', null, '1e400'],
      [{ type: 'double' }, '-1e400', null, '-1e400'],
      [{ type: 'double' }, '1e-400', null, '1e-400'],
      [{ type: 'double' }, '0e-400', 0],
      [{ type: 'double' }, `0.${'0'.repeat(330)}1`, null, `0.${'0'.repeat(330)}1`],
      [{ type: 'double' }, '"NaN"', null, '"NaN"'],
      [{ type: 'double' }, '"0x10"', null, '"0x10"'],
      [{ type: 'double' }, '" 5"', null, '" 5"'],
      [{ type: 'double' }, '""', null, '""'],
      [{ type: 'double' }, '"1e400"', null, '"1e400"'],
      [{ type: 'double' }, 'true', null, 'true'],
      [{ type: 'double' }, '[1]', null, '[1]'],
      [{ type: 'double', range: [0, 100] }, '100', 100],
      [{ type: 'double', range: [0, 100] }, '0', 0],
      [{ type: 'double', range: [0, 100] }, '100.00', 100],
      [{ type: 'double', range: [0, 100] }, '100.01', null, '100.01'],
      [{ type: 'double', range: [0, 100] }, '-1', null, '-1'],
      [long, '42', 42],
      [long, '42.0', 42],
      [long, '4.2e1', 42],
      [long, '-0', 0],
      [long, '"42"', 42],
      [long, '42.5', null, '42.5'],
      [long, '9007199254740991', 9_007_199_254_740_991],
      [long, '9007199254740993', 9_007_199_254_740_993n],
      [long, '"9007199254740993"', 9_007_199_254_740_993n],
      [long, '-9223372036854775808', -9_223_372_036_854_775_808n],
      [long, '9223372036854775807', 9_223_372_036_854_775_807n],
      [long, '9223372036854775808', null, '9223372036854775808'],
      [long, '1e18', null, '1e18'],
      [{ type: 'long', range: [0, 1e30] }, '9223372036854775808', null, '9223372036854775808'],
      [long, 'true', null, 'true'],
      [{ type: 'long', range: [0, 9e15] }, '9007199254740993', null, '9007199254740993'],
      [{ type: 'integer' }, '2147483647', 2_147_483_647],
      [{ type: 'integer' }, '-2147483648', -2_147_483_648],
      [{ type: 'integer' }, '2147483648', null, '2147483648'],
      [{ type: 'integer' }, '0.5', null, '0.5'],
      [{ type: 'integer', range: [1, 5] }, '6', null, '6'],
      [{ type: 'boolean' }, 'true', true],
      [{ type: 'boolean' }, 'false', false],
      [{ type: 'boolean' }, '"true"', true],
      [{ type: 'boolean' }, '"false"', false],
      [{ type: 'boolean' }, '"True"', null, '"True"'],
      [{ type: 'boolean' }, '1', null, '1'],
      [{ type: 'timestamp' }, '"2025-10-05T18:40:10.5Z"', Date.UTC(2025, 9, 5, 18, 40, 10, 500) * 1000],
      [{ type: 'timestamp' }, '1759689610', null, '1759689610'],
      [{ type: 'timestamp' }, '"now"', null, '"now"'],
      [{ type: 'double' }, 'null', null],
    ];
  for (const [field, json, cell, rescued] of cases) {
    const outcome = rescued === undefined ? `is ${String(cell)}` : 'is rescued';
    it(`${json.slice(0, 30)} in a ${field.type} column ${outcome}`, () => {
      const wanted = rescued === undefined ? null : `{"x":${rescued}}`;
      const [actual, actualRescued] = cellFor(field, `"x":${json}`);
      assert.deepEqual(
        [actual, actualRescued],
        [typeof actual === 'bigint' && typeof cell === 'number' ? BigInt(cell) : cell, wanted],
      );
    });
  }

  it('of a long column keeps its exact neighbours when one needs 64 bits', () => {
    const pipeline = pipelineWith({ x: long });
    const values = ['1', '9007199254740993', 'null', '-5'];
    const events = values.map((value) => ({ body: `{${id},"x":${value}}` }));
    const rows = rowsOf(createEventDecoder(pipeline).decode(eventBatch(events), ingestTimeMs).readings);
    assert.deepEqual(
      rows.map((row) => row.x),
      [1n, 9_007_199_254_740_993n, null, -5n],
    );
  });

  it('longer than limits.maxStringLength is rescued', () => {
    const pipeline = pipelineWith({ x: { type: 'string' } }, { limits: { maxStringLength: 3 } });
    assert.equal(decodeOne(pipeline, `{${id},"x":"abc"}`).x, 'abc');
    const row = decodeOne(pipeline, `{${id},"x":"abcd"}`);
    assert.deepEqual([row.x, row._rescued_data], [null, '{"x":"abcd"}']);
  });
});

describe('a nested reading', () => {
  it('fills the columns of the default pipeline', () => {
    const row = decodeOne(
      defaultPipeline,
      JSON.stringify({
        device_id: 'device_7',
        timestamp: '2025-10-06T10:00:00.25Z',
        measurements: { temperature: 21.5, humidity: 40, pressure: 1012 },
        location: { lat: 49.25, lon: -123.5 },
        power: { battery: 88.5 },
        state: { status: 'OK' },
      }),
    );
    assert.deepEqual(
      [
        'device_id',
        'event_time',
        'temperature',
        'humidity',
        'pressure',
        'battery',
        'lat',
        'lon',
        'status',
        '_rescued_data',
        '_rules',
      ].map((name) => row[name]),
      [
        'device_7',
        Date.UTC(2025, 9, 6, 10, 0, 0, 250) * 1000,
        21.5,
        40,
        1012,
        88.5,
        49.25,
        -123.5,
        'OK',
        null,
        null,
      ],
    );
  });

  it('may have arrays, nulls and other values where a path goes on', () => {
    const field = { type: 'double', from: ['a.b', 'c'] } as const;
    assert.deepEqual(cellFor(field, '"a":null'), [null, null]);
    assert.deepEqual(cellFor(field, '"a":{}'), [null, null]);
    assert.deepEqual(cellFor(field, '"a":{"b":null}'), [null, null]);
    assert.deepEqual(cellFor(field, '"a":[{"b":1}]'), [null, '{"a":[{"b":1}]}']);
    assert.deepEqual(cellFor(field, '"a":5'), [null, '{"a":5}']);
    assert.deepEqual(cellFor(field, '"a":{"b":{"c":1}}'), [null, '{"a":{"b":{"c":1}}}']);
  });

  it('may have a value where another path goes on', () => {
    const field = { type: 'double', from: ['battery', 'battery.level'] } as const;
    assert.deepEqual(cellFor(field, '"battery":5'), [5, null]);
    assert.deepEqual(cellFor(field, '"battery":{"level":6}'), [6, null]);
    assert.deepEqual(cellFor(field, '"battery":{"level":6,"health":"good"}'), [
      6,
      '{"battery":{"health":"good"}}',
    ]);
    assert.deepEqual(cellFor(field, '"battery":[7]'), [null, '{"battery":[7]}']);
  });

  it('finds keys with dots, escapes and odd names', () => {
    assert.deepEqual(cellFor({ type: 'long', from: 'a\\.b' }, '"a.b":1'), [1, null]);
    assert.deepEqual(cellFor({ type: 'long', from: 'a\\\\b' }, '"a\\\\b":2'), [2, null]);
    assert.deepEqual(cellFor({ type: 'long', from: '\\@key' }, '"@key":3'), [3, null]);
    assert.deepEqual(cellFor({ type: 'long', from: '__proto__.x' }, '"__proto__":{"x":4}'), [4, null]);
    assert.deepEqual(cellFor({ type: 'long', from: 'constructor' }, '"constructor":5'), [5, null]);
    assert.deepEqual(cellFor({ type: 'long', from: 'é' }, '"\\u00e9":6'), [6, null]);
    assert.deepEqual(cellFor({ type: 'string', from: 'é' }, '"\\u00e9":6.0'), ['6.0', null]);
  });
});

describe('aliases', () => {
  const field = { type: 'double', from: ['a', 'b', 'c.d'] } as const;

  it('are tried in their order, whatever the order of the keys', () => {
    assert.deepEqual(cellFor(field, '"c":{"d":3},"b":2,"a":1'), [1, '{"c":{"d":3},"b":2}']);
    assert.deepEqual(cellFor(field, '"c":{"d":3},"b":2'), [2, '{"c":{"d":3}}']);
    assert.deepEqual(cellFor(field, '"c":{"d":3}'), [3, null]);
  });

  it('pass over null', () => {
    assert.deepEqual(cellFor(field, '"a":null,"b":2'), [2, null]);
  });

  it('stop at the first value, even one that does not fit', () => {
    assert.deepEqual(cellFor(field, '"a":"hot","b":2'), [null, '{"a":"hot","b":2}']);
  });

  it('of the device and the time keep the lesser value too', () => {
    const row = decodeOne(
      defaultPipeline,
      '{"device_id":"b","deviceId":"a","time":"x","ts":"2025-10-06T10:00:00Z"}',
    );
    assert.deepEqual([row.device_id, row._rescued_data], ['a', '{"device_id":"b","time":"x"}']);
  });
});

describe('_rescued_data', () => {
  const rescuedOf = (members: string) => cellFor({ type: 'double', from: ['x', 'in.x'] }, members)[1];

  it('is null when everything has its column', () => {
    assert.equal(rescuedOf('"x":1'), null);
  });

  it('holds unknown fields as they were written', () => {
    assert.equal(
      rescuedOf('"x":1,"fw":"2.4.1","n": 1.00 ,"deep":{"a":[1,{"b":null}]}'),
      '{"fw":"2.4.1","n":1.00,"deep":{"a":[1,{"b":null}]}}',
    );
    assert.equal(rescuedOf('"gone":null'), '{"gone":null}');
    assert.equal(rescuedOf('"":0'), '{"":0}');
  });

  it('holds unknown fields in their place', () => {
    assert.equal(rescuedOf('"in":{"x":1,"y":2,"z":{}}'), '{"in":{"y":2,"z":{}}}');
    assert.equal(rescuedOf('"in":{"x":"bad"}'), '{"in":{"x":"bad"}}');
  });

  it('keeps the digits that JSON.parse would lose', () => {
    const members = '"big":12345678901234567890123,"huge":1e400,"fine":0.1234567890123456789,"zero":-0.0';
    assert.equal(rescuedOf(members), `{${members}}`);
  });

  it('keeps odd keys and lone surrogates as they were escaped', () => {
    const members =
      '"__proto__":{"polluted":true},"constructor":1,"a\\"b\\\\":2,"\\ud800":"\\udfff","\\u0041":3';
    assert.equal(rescuedOf(members), `{${members}}`);
    assert.equal(({} as Row).polluted, undefined);
  });

  it('takes the last of two equal keys, as JSON.parse does', () => {
    assert.equal(rescuedOf('"y":1,"y":2'), '{"y":2}');
    assert.deepEqual(cellFor({ type: 'double', from: 'a.x' }, '"a":{"x":1},"a":{"z":2}'), [
      null,
      '{"a":{"z":2}}',
    ]);
    assert.deepEqual(cellFor({ type: 'string' }, '"x":1.0,"\\u0078":2.0'), ['2.0', null]);
  });

  it('is cut from the right element of an array', () => {
    const element = (extra: string) => `{${id},"s":"]},[{\\"",${extra}}`;
    const body = ` [ ${element('"n":1.0')} , ${element('"n":[2.0]')},\n${element('"n":{"m":"\\\\"}')} ] `;
    const decoded = createEventDecoder(pipelineWith({ x: { type: 'long' } })).decode(
      eventBatch([{ body }]),
      0,
    );
    assert.deepEqual(
      rowsOf(decoded.readings).map((row) => row._rescued_data),
      ['1.0', '[2.0]', '{"m":"\\\\"}'].map((value) => `{"s":"]},[{\\"","n":${value}}`),
    );
  });
});

describe('a conversion rule', () => {
  const battery = (multiplyBy: number, devices: string | readonly string[]) => ({
    type: 'double' as const,
    range: [0, 100] as const,
    conversions: [
      { name: 'first', devices, multiplyBy },
      { name: 'second', devices: 'd*', multiplyBy: 2 },
    ],
  });
  const convert = (field: FieldDefinition, value: string, device = 'd1') => {
    const row = decodeOne(
      pipelineWith({ x: field }),
      `{"id":"${device}","time":"2025-10-06T10:00:00Z","x":${value}}`,
    );
    return [row.x, row._rules, row._rescued_data];
  };

  it('multiplies in decimals and leaves its name', () => {
    assert.deepEqual(convert(battery(100, 'd1'), '0.57'), [57, 'first', null]);
    assert.deepEqual(convert(battery(100, 'd1'), '"0.29"'), [29, 'first', null]);
    assert.deepEqual(convert(battery(0.01, 'd1'), '25'), [0.25, 'first', null]);
  });

  it('applies to the devices it names, the first rule first', () => {
    assert.deepEqual(convert(battery(100, 'sensor-*'), '0.5'), [1, 'second', null]);
    assert.deepEqual(convert(battery(100, 'sensor-*'), '0.5', 'sensor-1'), [50, 'first', null]);
    assert.deepEqual(convert(battery(100, ['a', '*-x-*1']), '0.5', 'dev-x-y-1'), [50, 'first', null]);
    assert.deepEqual(convert(battery(100, 'sensor-*'), '0.5', 'Sensor-1'), [0.5, null, null]);
  });

  it('leaves no name where it changes nothing', () => {
    assert.deepEqual(convert(battery(100, '*'), '0'), [0, null, null]);
  });

  it('is judged by its result, and the value sent is rescued', () => {
    assert.deepEqual(convert(battery(100, '*'), '1.5'), [null, null, '{"x":1.5}']);
    assert.deepEqual(convert({ ...battery(100, '*'), range: [0, 1] }, '0.57'), [null, null, '{"x":0.57}']);
  });

  it('leaves two names when two columns are converted', () => {
    const rule = (name: string) => [{ name, devices: '*', multiplyBy: 10 }];
    const pipeline = pipelineWith({
      b: { type: 'integer', conversions: rule('b10') },
      a: { type: 'long', conversions: rule('a10') },
    });
    const row = decodeOne(pipeline, `{"a":1,"b":0.2,${id}}`);
    assert.deepEqual([row.b, row.a, row._rules], [2, 10, 'b10,a10']);
  });

  it('does not touch integers beyond 2^53', () => {
    const field = { type: 'long', conversions: [{ name: 'n', devices: '*', multiplyBy: 1 }] } as const;
    assert.deepEqual(convert(field, '9007199254740993'), [null, null, '{"x":9007199254740993}']);
  });
});

describe('an event time', () => {
  const withTime = (eventTime: object, members: string) => {
    const pipeline = pipelineWith(
      { x: { type: 'long' } },
      { eventTime: { from: ['time', 't'], ...eventTime } },
    );
    const row = decodeOne(pipeline, `{"id":"d",${members}}`);
    return [row.event_time, row._rescued_data];
  };
  const enqueued = Date.UTC(2025, 9, 6, 10, 5) * 1000;

  it('falls back to the enqueue time where the pipeline says so, and keeps what was sent', () => {
    const fallback = { fallback: 'enqueuedTime' };
    assert.deepEqual(withTime(fallback, '"x":1'), [enqueued, null]);
    assert.deepEqual(withTime(fallback, '"time":"soon"'), [enqueued, '{"time":"soon"}']);
    assert.deepEqual(withTime(fallback, '"time":{"s":1}'), [enqueued, '{"time":{"s":1}}']);
  });

  it('may be as far ahead of the enqueue time as the clocks may differ', () => {
    assert.deepEqual(withTime({}, '"time":"2025-10-06T10:10:00.000000Z"'), [enqueued + 300e6, null]);
    assert.deepEqual(withTime({ maxClockSkewMs: 0 }, '"time":"2025-10-06T10:05:00Z"'), [enqueued, null]);
  });

  it('may be a number where the pipeline says in which unit', () => {
    assert.deepEqual(withTime({ forms: ['epochMillis'] }, '"t":1759745100000'), [enqueued, null]);
  });
});

describe('a body', () => {
  it('may start with a byte order mark and hold any white space', () => {
    assert.equal(
      decodeOne(defaultPipeline, '\ufeff \r\n\t{"deviceId" :\n"d","ts":"2025-10-06T10:00:00Z"}\n').device_id,
      'd',
    );
  });

  it('may name its device by a number, which is kept as it was written', () => {
    assert.equal(
      decodeOne(defaultPipeline, '{"deviceId":4711,"ts":"2025-10-06T10:00:00Z"}').device_id,
      '4711',
    );
    const big = '12345678901234567890';
    assert.equal(
      decodeOne(defaultPipeline, `{"deviceId":${big},"ts":"2025-10-06T10:00:00Z"}`).device_id,
      big,
    );
  });
});
