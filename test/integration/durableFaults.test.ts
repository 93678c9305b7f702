// What the Durable backend survives: kill -9 at any time, signals that come twice and out of order, batches that run again.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Azurite } from '../../local/azurite/index.js';
import { seededRandom } from '../../shared/base/index.js';
import { reverseCleanup } from '../support/cleanup.js';
import { DurableHost } from '../support/durableHost.js';
import { startTestAzurite } from '../support/testAzurite.js';
import { pollUntil } from '../support/waiting.js';

const cleanup = reverseCleanup({ after });
let azurite: Azurite;

before(async () => {
  azurite = await startTestAzurite(cleanup);
});

interface Journal {
  readonly entries: readonly number[];
  readonly received: number;
}

describe('a host killed in mid-orchestration', () => {
  const killCount = 12;
  const stepCount = 150;
  const runningAtOnce = 4;

  it(`goes on where it was, ${killCount} times`, async (t) => {
    const random = seededRandom(20_260_101);
    const host = await DurableHost.start(t, azurite.connectionString);
    const ids: string[] = [];
    const countRunning = async () => {
      const statuses = await Promise.all(ids.map((id) => host.status(id)));
      return statuses.filter(({ runtimeStatus }) => runtimeStatus === 'Running').length;
    };

    let kills = 0;
    for (let killedInside = 0; killedInside < killCount; kills++) {
      // However fast the machine is, there is something to kill.
      for (let running = await countRunning(); running < runningAtOnce; running++) {
        ids.push(await host.startNew('steps', { instanceId: `walk-${ids.length}`, input: stepCount }));
      }
      // Kills wait for progress, not for time: each falls a random number of effects after the last start.
      const goal = host.marks.length + 1 + Math.floor(random.next() * 30);
      await pollUntil('more effects', () => host.marks.length >= goal);
      if ((await countRunning()) > 0) killedInside++;
      await host.kill();
      await host.restart();
    }

    for (const id of ids) {
      const { runtimeStatus, output } = await host.ended(id);
      assert.deepEqual([runtimeStatus, output], ['Completed', stepCount]);
      const { entityState } = await host.entity('Journal', id);
      const { entries, received } = entityState as Journal;
      // Operations of orchestrations take effect exactly once, in order.
      assert.equal(received, stepCount);
      assert.deepEqual(
        entries,
        Array.from({ length: stepCount }, (_, index) => index),
      );
    }
    const marks = host.marks;
    const distinct = new Set(marks);
    const expected = ids.flatMap((id) => Array.from({ length: stepCount }, (_, step) => `${id}/${step}`));
    assert.deepEqual([...distinct].sort(), expected.sort());
    t.diagnostic(
      `${kills} kills, ${killCount} of them inside; ${marks.length - distinct.size} of ${expected.length} activities ran again`,
    );
  });

  it('keeps what was acknowledged: signals, starts and timers', async (t) => {
    const random = seededRandom(7);
    const host = await DurableHost.start(t, azurite.connectionString);
    let sent = 0;
    for (let round = 0; round < 4; round++) {
      const instanceId = `timer-${round}`;
      await host.startNew('timer', { instanceId, input: 50 });
      const count = 1 + Math.floor(random.next() * 40);
      const signals = Array.from({ length: count }, () => host.signal('Journal', 'kept', 'append', sent++));
      await Promise.all(signals);
      await host.kill();
      await host.restart();
      const waitedMs = (await host.ended(instanceId)).output as number;
      assert.ok(waitedMs >= 50, `${waitedMs} ms`);
    }
    const journal = await pollUntil('all signals arrived', async () => {
      const found = (await host.entity('Journal', 'kept')).entityState as Journal | undefined;
      return found?.entries.length === sent ? found : undefined;
    });
    assert.equal(journal.received, sent, 'a crash of this backend duplicates no signal');
  });
});

describe('the fault mode', () => {
  it('delivers client signals twice and out of order, and loses none', async (t) => {
    // So long that later signals pass on a slow machine, too.
    const faults = ['--durable-faults', 'duplicate=0.5,delay=0.5,max-delay-ms=1000'];
    const host = await DurableHost.start(t, azurite.connectionString, faults);
    const count = 100;
    for (let number = 0; number < count; number++) await host.signal('Journal', 'faulty', 'append', number);
    const { entries } = await journalWith(host, 'faulty', ({ entries, received }) => {
      return entries.length === count && received > count + 20;
    });
    const inOrder = Array.from({ length: count }, (_, index) => index);
    assert.deepEqual(
      [...entries].sort((a, b) => a - b),
      inOrder,
    );
    assert.notDeepEqual(entries, inOrder);
  });

  it('runs entity batches again with no second effect on their state', async (t) => {
    const host = await DurableHost.start(t, azurite.connectionString, ['--durable-faults', 'rerun=0.6']);
    // From 1: the library drops a falsy input of an entity's signal.
    const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
    for (const number of numbers) {
      await host.signal('Relay', 'again', 'pass', [number]);
    }
    const { entries, received } = await settledJournal(host, 'again', numbers.length);
    assert.deepEqual([entries, received], [numbers, numbers.length]);
    const outputs = await Promise.all(numbers.map((number) => host.outputOf('callsEntity', `c${number}`)));
    assert.deepEqual(
      outputs,
      numbers.map(() => ({ afterSignal: 15, failure: 'refused', total: 15 })),
    );
  });

  it('sends what a batch signals and answers again when it runs again, as Azure Storage may', async (t) => {
    const faults = ['--durable-faults', 'rerun-after-sending=0.6'];
    const host = await DurableHost.start(t, azurite.connectionString, faults);
    // From 1: the library drops a falsy input of an entity's signal.
    const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
    for (const number of numbers) {
      await host.signal('Relay', 'doubled', 'pass', [number]);
      // Each is a batch of its own, so that some of many are certain to run again.
      await journalWith(host, 'doubled', ({ entries }) => entries.length === number);
    }
    const { entries } = await journalWith(host, 'doubled', ({ received }) => received > numbers.length);
    assert.deepEqual(entries, numbers);
    const outputs = await Promise.all(numbers.map((number) => host.outputOf('callsEntity', `a${number}`)));
    // The first answer counts. The orchestration signals before it calls, so every run of its batch has the same.
    assert.deepEqual(
      outputs,
      numbers.map(() => ({ afterSignal: 15, failure: 'refused', total: 15 })),
    );
  });
});

/** As soon as it is as `isMeant` says. */
function journalWith(
  host: DurableHost,
  key: string,
  isMeant: (journal: Journal) => boolean,
): Promise<Journal> {
  let last: Journal | undefined;
  return pollUntil(
    () => `${key} is as it must become: ${JSON.stringify(last)}`,
    async () => {
      last = (await host.entity('Journal', key)).entityState as Journal | undefined;
      return last !== undefined && isMeant(last) && last;
    },
  );
}

/** When nothing new has arrived for a while: for what must not come, or not again. */
async function settledJournal(host: DurableHost, key: string, count: number): Promise<Journal> {
  let last = -1;
  let quietSinceMs = Date.now();
  return pollUntil(`${key} is settled`, async () => {
    const found = (await host.entity('Journal', key)).entityState as Journal | undefined;
    if (found === undefined || found.entries.length < count || found.received !== last) {
      last = found?.received ?? -1;
      quietSinceMs = Date.now();
      return undefined;
    }
    return Date.now() - quietSinceMs > 500 ? found : undefined;
  });
}
