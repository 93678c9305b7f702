// What `npm run subscribe` shows of the events it gets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AlertFollower } from '../../../local/subscribing/alertFollower.js';
import { SeenIds } from '../../../local/subscribing/alertLines.js';
import { plainStyle, type Style } from '../../../local/terminal/index.js';

const markedStyle: Style = {
  bold: (text) => `*${text}*`,
  dim: (text) => text,
  red: (text) => `red:${text}`,
  yellow: (text) => `yellow:${text}`,
  green: (text) => `green:${text}`,
};

interface AlertFacts {
  readonly id?: string;
  readonly subject?: string;
  readonly transition?: string;
  readonly severity?: string;
  readonly message?: string;
  readonly outOfOrder?: boolean;
}

function cloudEvent(facts: AlertFacts = {}) {
  const { id = 'id-1', subject = 'device_3', transition = 'raised', severity = 'CRITICAL' } = facts;
  const { message = 'Critical temperature detected: 36°C', outOfOrder = false } = facts;
  return {
    ...{ specversion: '1.0', id, source: '/s', type: `io.tributary.alert.${transition}`, subject },
    time: '2025-10-06T10:00:12.000000Z',
    data: { severity, transition, message, outOfOrder },
  };
}

function follow(options: { device?: string; count?: number; json?: boolean } = {}, style = plainStyle) {
  const lines: string[] = [];
  const complaints: string[] = [];
  const { device, count, json = false } = options;
  const follower = new AlertFollower({
    options: { device, count, json },
    style,
    write: (line) => lines.push(line),
    complain: (line) => complaints.push(line),
  });
  return { follower, lines, complaints };
}

describe('an alert in the terminal', () => {
  it('is a line with time, severity, transition, device and message', () => {
    const { follower, lines } = follow();
    follower.show(cloudEvent());
    follower.show(Buffer.from(JSON.stringify(cloudEvent({ id: '2', subject: 'd', outOfOrder: true }))));
    assert.deepEqual(lines, [
      '2025-10-06 10:00:12  CRITICAL  raised       device_3  Critical temperature detected: 36°C',
      '2025-10-06 10:00:12  CRITICAL  raised       d  Critical temperature detected: 36°C (out of order)',
    ]);
  });

  it('is red, yellow or green by its severity and whether it is over', () => {
    const { follower, lines } = follow({}, markedStyle);
    follower.show(cloudEvent({ id: '1' }));
    follower.show(cloudEvent({ id: '2', severity: 'WARNING' }));
    follower.show(cloudEvent({ id: '3', severity: 'INFO' }));
    follower.show(cloudEvent({ id: '4', transition: 'resolved' }));
    assert.deepEqual(
      lines.map((line) => /(red|yellow|green):/.exec(line)?.[1]),
      ['red', 'yellow', undefined, 'green'],
    );
  });

  it('cannot send control characters to the terminal', () => {
    const { follower, lines } = follow();
    follower.show(cloudEvent({ subject: 'a\u001b[2Jb', message: 'x\u0007y', severity: '\u001b[31m' }));
    assert.equal(lines.length, 1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    assert.doesNotMatch(lines[0]!, /[\u0000-\u001f\u007f]/);
  });

  it('is shown once, however often it comes', () => {
    const { follower, lines } = follow();
    for (const id of ['1', '2', '1', '2', '3']) follower.show(cloudEvent({ id }));
    assert.equal(lines.length, 3);
  });

  it('is a CloudEvent a line with --json', () => {
    const { follower, lines } = follow({ json: true });
    follower.show(cloudEvent());
    assert.deepEqual(lines, [JSON.stringify(cloudEvent())]);
  });

  it('is shown for the devices asked for only', () => {
    const { follower, lines } = follow({ device: 'sensor-*' });
    follower.show(cloudEvent({ id: '1', subject: 'sensor-7' }));
    follower.show(cloudEvent({ id: '2', subject: 'a-sensor-7' }));
    assert.equal(lines.length, 1);
  });

  it('is the last one when there are as many as asked for', async () => {
    const { follower, lines } = follow({ count: 2, device: 'd*' });
    follower.show(cloudEvent({ id: '1' }));
    follower.show(cloudEvent({ id: '1' }));
    follower.show(cloudEvent({ id: '2', subject: 'other' }));
    follower.show(cloudEvent({ id: '3' }));
    follower.show(cloudEvent({ id: '4' }));
    await follower.ended;
    assert.equal(lines.length, 2);
  });
});

describe('what is no alert', () => {
  it('is left out, with the reason', () => {
    const { follower, lines, complaints } = follow();
    const odd = [
      undefined,
      'text',
      Buffer.from('{'),
      { specversion: '1.0' },
      { ...cloudEvent(), type: 'other' },
      { ...cloudEvent(), data: null },
    ];
    for (const body of odd) follower.show(body);
    assert.deepEqual(lines, []);
    assert.equal(complaints.length, odd.length);
    assert.match(complaints[0]!, /left out: it is no JSON object/);
  });

  it('is told once when it is the same trouble with the connection', () => {
    const { follower, complaints } = follow();
    for (const message of ['a', 'a', 'b', 'b', 'a']) follower.disturbed(new Error(message));
    assert.equal(complaints.length, 3);
  });

  it('can be the end', async () => {
    const { follower } = follow();
    follower.fail(new Error('the stack has ended'));
    await assert.rejects(follower.ended, /the stack has ended/);
  });
});

describe('ids seen', () => {
  it('are forgotten in their order when there are too many', () => {
    const seen = new SeenIds(2);
    assert.deepEqual(
      ['a', 'b', 'a', 'c', 'a'].map((id) => seen.add(id)),
      [true, true, false, true, true],
    );
  });
});
