// How fast events are decoded, beside bare JSON.parse of the same bodies in the same run.
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import pipeline from '../pipeline.js';
import { seededRandom } from '../shared/base/index.js';
import { createEventDecoder, type EventBatch } from '../shared/events/index.js';

const batchSize = 2_000;
const enqueuedMs = Date.UTC(2025, 9, 6, 10);

interface Shape {
  readonly name: string;
  body(index: number): string;
}

/** Prints events and readings a second of decoding, and its share of the time of JSON.parse. Takes about 8 seconds. */
export async function benchEvents(write: (line: string) => void): Promise<void> {
  write('shape                          bytes   JSON.parse/s   decode/s   decode / parse time');
  for (const shape of shapes()) benchShape(shape, write);
}

function benchShape(shape: Shape, write: (line: string) => void): void {
  const texts = Array.from({ length: batchSize }, (_, index) => shape.body(index));
  const batch = batchOf(texts);
  const bodies = batch.bodies.map((body) => Buffer.from(body));
  const decoder = createEventDecoder(pipeline);
  const decode = () => {
    decoder.decode(batch, enqueuedMs);
  };
  const parse = () => {
    for (const body of bodies) JSON.parse(body.toString('utf8'));
  };
  const [parseRate, decodeRate] = [parse, decode].map((work) => bestRate(work));
  if (parseRate === undefined || decodeRate === undefined) return;
  const bytes = Math.round(bodies.reduce((sum, body) => sum + body.length, 0) / batchSize);
  const numbers = [bytes, Math.round(parseRate), Math.round(decodeRate), (parseRate / decodeRate).toFixed(2)];
  const widths = [8, 15, 11, 22];
  const cells = numbers.map((number, column) => String(number).padStart(widths[column] ?? 0));
  write(`${shape.name.padEnd(28)}${cells.join('')}`);
}

/** Events a second: the best of five slices of a fifth of a second, after one to warm up. */
function bestRate(work: () => void): number {
  const slices = Array.from({ length: 6 }, () => {
    const start = performance.now();
    let rounds = 0;
    let elapsedMs = 0;
    while (elapsedMs < 200) {
      work();
      rounds++;
      elapsedMs = performance.now() - start;
    }
    return (rounds * batchSize * 1000) / elapsedMs;
  });
  return Math.max(...slices.slice(1));
}

function batchOf(texts: readonly string[]): EventBatch {
  return {
    source: 'sensor-data',
    partition: '0',
    bodies: texts.map((text) => new TextEncoder().encode(text)),
    sequenceNumbers: texts.map((_, index) => index),
    enqueuedMs: texts.map(() => enqueuedMs),
    systemProperties: texts.map((_, index) => ({
      partitionKey: `device_${index % 100}`,
      sequenceNumber: index,
      offset: String(index * 300),
      enqueuedTimeUtc: '2025-10-06T10:00:00.000Z',
    })),
    properties: texts.map(() => ({})),
  };
}

/** As Python's json.dumps writes it. */
function spaced(value: object): string {
  return JSON.stringify(value, undefined, 1).replace(/\n\s*/g, ' ');
}

function shapes(): readonly Shape[] {
  const random = seededRandom(1);
  const round = (value: number, digits: number) => Number(value.toFixed(digits));
  const measured = () => ({
    temperature: round(15 + random.next() * 20, 2),
    humidity: round(30 + random.next() * 40, 2),
    pressure: round(990 + random.next() * 40, 2),
  });
  const position = () => ({ lat: round(49 + random.next(), 6), lon: round(-123 - random.next(), 6) });
  const time = (index: number) => new Date(enqueuedMs - index).toISOString();
  const flat = (index: number, device: string) => ({
    deviceId: device,
    ts: time(index),
    ...measured(),
    battery: round(random.next(), 3),
    ...position(),
    status: index % 7 === 0 ? 'WARN' : 'OK',
  });
  const nested = (index: number) => ({
    deviceId: `device_${index % 100}`,
    ts: time(index),
    measurements: measured(),
    location: position(),
    power: { battery: round(random.next() * 100, 1) },
    state: { status: 'OK' },
  });
  return [
    { name: 'flat', body: (index) => spaced(flat(index, `hall-3-line-07-device_${index % 100}`)) },
    {
      name: 'flat, battery converted',
      body: (index) => spaced(flat(index, `sensor-hall-3-line-07-${index % 100}`)),
    },
    { name: 'nested', body: (index) => JSON.stringify(nested(index)) },
    {
      name: 'flat with unknown fields',
      body: (index) =>
        JSON.stringify({ ...flat(index, `device_${index % 100}`), firmware: '2.4.1', rssi: -61 }),
    },
    {
      name: 'array of 10 readings',
      body: (index) => JSON.stringify(Array.from({ length: 10 }, () => flat(index, `device_${index % 100}`))),
    },
  ];
}

if (argv[1] !== undefined && import.meta.url === pathToFileURL(argv[1]).href) {
  await benchEvents((line) => console.log(line));
}
