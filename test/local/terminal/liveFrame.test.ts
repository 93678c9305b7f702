import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LiveStatus, layoutLiveFrame, layoutStatusLine } from '../../../local/terminal/liveFrame.js';
import { chooseStyle, colourStyle } from '../../../local/terminal/style.js';
import { displayWidth } from '../../../local/terminal/text.js';

const running: LiveStatus = {
  uptimeMs: 65_000,
  sending: {
    state: 'sending',
    events: 65_012,
    eventsPerSecond: 1000.4,
    targetPerSecond: 1000,
    failedEvents: 0,
    lastError: undefined,
  },
  rows: 68_300,
  rowsThisRun: 68_300,
  rowsPerSecond: 1049.6,
  quarantined: 712,
  lag: [
    { partition: '0', events: 12 },
    { partition: '1', events: 1008 },
  ],
  tables: [
    { name: 'readings', version: 65, rows: 68_300, files: 65, bytes: 4_210_000 },
    { name: 'quarantine', version: 40, rows: null, files: 40, bytes: 120_000 },
  ],
  statusProblem: undefined,
  notice: undefined,
};

describe('the live frame', () => {
  it('says how far everything is', () => {
    assert.deepEqual(layoutLiveFrame(running, 80), [
      'running    00:01:05   (Ctrl-C stops)',
      'sent       65,012 events   1,000/s of 1,000/s wanted',
      'committed  68,300 rows   1,050/s',
      'quarantine 712 rows',
      'lag        1,020 events   (partition 0: 12   1: 1,008)',
      '',
      'table       version    rows  files    size',
      'readings         65  68,300     65  4.2 MB',
      'quarantine       40       ?     40  120 kB',
    ]);
  });

  it('shows a question mark for what is not known, and why', () => {
    const frame = layoutLiveFrame(
      {
        ...running,
        sending: undefined,
        rows: undefined,
        rowsThisRun: undefined,
        rowsPerSecond: undefined,
        quarantined: undefined,
        lag: [
          { partition: '0', events: 3 },
          { partition: '1', events: undefined },
        ],
        tables: [],
        statusProblem: 'the tables are unknown: connect ECONNREFUSED',
      },
      80,
    );
    assert.deepEqual(frame, [
      'running    00:01:05   (Ctrl-C stops)',
      'sent       nothing (--no-simulate)',
      'committed  ? rows',
      'quarantine ? rows',
      'lag        ? events   (partition 0: 3   1: ?)',
      '',
      'no tables yet',
      '',
      'status     the tables are unknown: connect ECONNREFUSED',
    ]);
  });

  it('shows failures of sending and the latest warning of the host, without their control characters', () => {
    const frame = layoutLiveFrame(
      {
        ...running,
        rowsThisRun: 300,
        sending: { ...running.sending!, state: 'stopped', failedEvents: 250, lastError: 'hub\nbusy' },
        notice: { level: 'warning', text: 'batch retried', ageMs: 3000 },
      },
      80,
    );
    assert.equal(frame[1], 'sent       65,012 events   stopped   250 failed');
    assert.equal(frame[2], 'committed  68,300 rows   1,050/s   300 in this run');
    assert.deepEqual(frame.slice(-4), [
      '',
      'sending    hub\\nbusy',
      '',
      'host       00:00:03 ago: batch retried',
    ]);
  });

  it('never needs more columns than the terminal has', () => {
    const notice = { level: 'error', text: 'x'.repeat(500), ageMs: 0 } as const;
    const lag = Array.from({ length: 32 }, (_, index) => ({ partition: String(index), events: 100_000 }));
    for (const width of [30, 40, 80, 200]) {
      for (const line of layoutLiveFrame({ ...running, notice, lag }, width))
        assert.ok(displayWidth(line) <= width, `${width}: ${line}`);
    }
  });

  it('fits one line where output is only appended', () => {
    assert.equal(
      layoutStatusLine(running),
      '00:01:05 | sent 65,012 events (1,000/s) | committed 68,300 rows (1,050/s) | quarantined 712 | lag 1,020',
    );
  });
});

describe('colours', () => {
  it('are used only on a terminal that does not refuse them', () => {
    assert.equal(chooseStyle(true, {}).red('x'), '\x1b[31mx\x1b[39m');
    assert.equal(chooseStyle(true, {}), colourStyle);
    for (const style of [
      chooseStyle(false, {}),
      chooseStyle(true, { NO_COLOR: '1' }),
      chooseStyle(true, { TERM: 'dumb' }),
    ])
      assert.equal(style.red('x'), 'x');
    assert.equal(chooseStyle(true, { NO_COLOR: '' }), colourStyle);
  });
});
