// The unmodified durable-functions library on the local backend: an app in a host's child process, driven by its own client.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Azurite } from '../../local/azurite/index.js';
import { reverseCleanup } from '../support/cleanup.js';
import { DurableHost, type InstanceStatus } from '../support/durableHost.js';
import { startTestAzurite } from '../support/testAzurite.js';
import { pollUntil } from '../support/waiting.js';

const shared = reverseCleanup({ after });
let azurite: Azurite;
let host: DurableHost;

before(async () => {
  azurite = await startTestAzurite(shared);
  host = await DurableHost.start(shared, azurite.connectionString);
});

describe('orchestrations', () => {
  it('call activities one after the other', async () => {
    assert.equal(await host.outputOf('chain', '>'), '>abc');
  });

  it('fan out to 20 activities and in again', async () => {
    assert.equal(await host.outputOf('fanOut', 20), 380);
  });

  it('retry what fails, in parallel with other tasks, and give up after the last attempt', async () => {
    const id = await host.startNew('retry');
    assert.deepEqual((await host.ended(id)).output, {
      both: [`${id}/x done`, `${id}/y done`, 'z'],
      after: 'after',
      exhausted: `Activity function 'flaky' failed: ${id}/never fails, 97 left`,
      last: 'last',
    });
  });

  it('wait for timers no shorter than they say', async () => {
    const waitedMs = (await host.outputOf('timer', 150)) as number;
    assert.ok(waitedMs >= 150, `${waitedMs} ms`);
  });

  it('take an external event and cancel the timer it raced with', async () => {
    const id = await host.startNew('race');
    await host.client('raiseEvent', id, 'approval', { who: 'someone' });
    const { output, runtimeStatus } = await host.ended(id);
    assert.deepEqual([runtimeStatus, output], ['Completed', { approvedBy: { who: 'someone' } }]);
  });

  it('call sub-orchestrations and hear of their failures', async () => {
    assert.deepEqual(await host.outputOf('family'), {
      results: ['oneabc', 'twoabc'],
      named: 'namedabc',
      failed: true,
    });
  });

  it('go on as new with each event, losing none that arrives meanwhile', async () => {
    const limit = 30;
    const id = await host.startNew('loop', { input: { count: 0, limit, sum: 0 } });
    const numbers = Array.from({ length: limit }, (_, index) => index + 1);
    await Promise.all(numbers.map((number) => host.client('raiseEvent', id, 'number', number)));
    assert.deepEqual((await host.ended(id)).output, { count: limit, sum: (limit * (limit + 1)) / 2 });
    await counterTotal(`loop-${id}`, limit);
  });

  it('signal and call entities in order, and hear of their errors', async () => {
    assert.deepEqual(await host.outputOf('callsEntity', 'called'), {
      afterSignal: 15,
      failure: 'refused',
      total: 15,
    });
  });

  it('send what they signalled before they failed', async () => {
    const id = await host.startNew('failing', { input: 'on purpose' });
    const { runtimeStatus, output } = await host.ended(id);
    assert.deepEqual(
      [runtimeStatus, output],
      ['Failed', "Orchestrator function 'failing' failed: on purpose"],
    );
    await counterTotal(`failing-${id}`, 1);
    const logged = host.lines.filter((line) => line.includes('[failing] Failed'));
    assert.ok(
      logged.some((line) => line.endsWith('ms: on purpose')),
      logged.join('\n'),
    );
  });

  it('fail a task whose function does not exist instead of waiting for it', async () => {
    const id = await host.startNew('lostFunction');
    const { runtimeStatus, output } = await host.ended(id);
    assert.equal(runtimeStatus, 'Failed');
    assert.match(String(output), /'nowhere' doesn't exist/);
  });

  it('fail loudly where the library would schedule a task twice', async () => {
    const id = await host.startNew('repeats');
    const { runtimeStatus, output } = await host.ended(id);
    assert.equal(runtimeStatus, 'Failed');
    assert.match(String(output), /again inside another Task\.all/);
  });
});

describe('locks', () => {
  it('keep others out of a critical section, over opposite orders of the same entities', async () => {
    await Promise.all([
      host.signal('Counter', 'left', 'add', 100),
      host.signal('Counter', 'right', 'add', 100),
    ]);
    await Promise.all([counterTotal('left', 100), counterTotal('right', 100)]);
    const pairs = Array.from({ length: 12 }, (_, index) =>
      index % 3 === 0 ? { from: 'right', to: 'left' } : { from: 'left', to: 'right' },
    );
    const outputs = await Promise.all(pairs.map((input) => host.outputOf('transfer', input)));
    assert.deepEqual(
      outputs,
      pairs.map(() => ({ isUndisturbed: true })),
    );
    await Promise.all([counterTotal('left', 96), counterTotal('right', 104)]);
  });

  it('are given back when their orchestration is terminated', async () => {
    await host.signal('Counter', 'held', 'add', 1);
    const ids = await Promise.all(
      Array.from({ length: 6 }, () => host.startNew('transfer', { input: { from: 'held', to: 'free' } })),
    );
    await Promise.all(ids.slice(0, 3).map((id) => host.client('terminate', id, 'enough')));
    for (const id of ids) {
      const { runtimeStatus } = await host.ended(id);
      assert.ok(ids.indexOf(id) < 3 || runtimeStatus === 'Completed', runtimeStatus);
    }
    assert.deepEqual(await host.outputOf('transfer', { from: 'held', to: 'free' }), { isUndisturbed: true });
  });
});

describe('entities', () => {
  it('are created by a signal, read by their last state and deleted by themselves', async () => {
    assert.equal((await host.entity('counter', 'Mixed Case')).entityExists, false);
    await host.signal('Counter', 'Mixed Case', 'add', 3);
    await host.signal('COUNTER', 'Mixed Case', 'add', 4);
    await counterTotal('Mixed Case', 7);
    await host.signal('Counter', 'Mixed Case', 'delete');
    await pollUntil('the entity is gone', async () =>
      (await host.entity('Counter', 'Mixed Case')).entityExists ? undefined : true,
    );
  });

  it('signal each other in order', async () => {
    const numbers = Array.from({ length: 50 }, (_, index) => index + 1);
    await host.signal('Relay', 'ordered', 'pass', numbers.slice(0, 25));
    await pollUntil('the first half arrived', async () =>
      (await journal('ordered')).length === 25 ? true : undefined,
    );
    await host.signal('Relay', 'ordered', 'pass', numbers.slice(25));
    await pollUntil('all arrived', async () => ((await journal('ordered')).length === 50 ? true : undefined));
    assert.deepEqual(await journal('ordered'), numbers);
  });

  it('are listed by the HTTP API with their state', async () => {
    await host.signal('Counter', 'listed', 'add', 9);
    await counterTotal('listed', 9);
    const response = await host.api('entities/counter?fetchState=true');
    const listed = (await response.json()) as { entityId: { key: string }; state: { total: number } }[];
    assert.equal(listed.find(({ entityId }) => entityId.key === 'listed')?.state.total, 9);
  });

  it('that the app does not have are refused', async () => {
    await assert.rejects(host.signal('Nobody', 'k', 'add', 1), /400/);
  });
});

describe('clients', () => {
  it('cannot start an instance that runs, and can once it has ended', async () => {
    const instanceId = 'singleton';
    const [first, second] = await Promise.allSettled([
      host.startNew('forever', { instanceId }),
      host.startNew('forever', { instanceId }),
    ]);
    assert.deepEqual([first.status, second.status].sort(), ['fulfilled', 'rejected']);
    const refused = await host.api(`orchestrators/forever/${instanceId}`, { method: 'POST', body: '1' });
    assert.equal(refused.status, 500);
    assert.match(await refused.text(), /An Orchestration instance with the status \w+ already exists\./);

    await host.client('terminate', instanceId, 'make room');
    assert.equal((await host.ended(instanceId)).runtimeStatus, 'Terminated');
    assert.equal(await host.startNew('chain', { instanceId, input: 'again ' }), instanceId);
    assert.equal((await host.ended(instanceId)).output, 'again abc');
  });

  it('cannot start what the app does not have', async () => {
    assert.equal((await host.api('orchestrators/nothing', { method: 'POST' })).status, 400);
  });

  it('terminate with a reason, and are told when it is too late', async () => {
    const id = await host.startNew('forever');
    await host.client('terminate', id, 'no reason');
    const { runtimeStatus, output } = await host.ended(id);
    assert.deepEqual([runtimeStatus, output], ['Terminated', 'no reason']);
    const late = await host.api(`instances/${id}/terminate?reason=late`, { method: 'POST' });
    assert.equal(late.status, 410);
    assert.equal((await host.api('instances/unknown/terminate', { method: 'POST' })).status, 404);
  });

  it('suspend and resume: events wait meanwhile', async () => {
    const id = await host.startNew('race');
    await host.client('suspend', id, 'wait');
    await pollUntil('suspended', async () =>
      (await host.status(id)).runtimeStatus === 'Suspended' ? true : undefined,
    );
    await host.client('raiseEvent', id, 'approval', 1);
    assert.equal((await host.status(id)).runtimeStatus, 'Suspended');
    await host.client('resume', id, 'go on');
    assert.deepEqual((await host.ended(id)).output, { approvedBy: 1 });
  });

  it('purge what has ended, and only that', async () => {
    const running = await host.startNew('forever');
    const done = await host.startNew('chain', { input: '' });
    await host.ended(done);
    assert.deepEqual(await host.client('purgeInstanceHistory', running), { instancesDeleted: 0 });
    assert.deepEqual(await host.client('purgeInstanceHistory', done), { instancesDeleted: 1 });
    assert.equal((await host.api(`instances/${done}`)).status, 404);
    await host.client('terminate', running, '');
    await host.ended(running);
    const from = new Date(0).toISOString();
    const filtered = await host.api(`instances?createdTimeFrom=${from}&runtimeStatus=Terminated`, {
      method: 'DELETE',
    });
    assert.ok(((await filtered.json()) as { instancesDeleted: number }).instancesDeleted >= 1);
    assert.equal((await host.api(`instances/${running}`)).status, 404);
  });

  it('read status, custom status and history', async () => {
    const waiting = await host.startNew('forever', { input: { a: 1 } });
    const status = await pollUntil('it waits', async () => {
      const found = await host.status(waiting);
      return found.customStatus === null ? undefined : found;
    });
    assert.deepEqual(
      [status.name, status.runtimeStatus, status.input, status.customStatus, status.output],
      ['forever', 'Running', { a: 1 }, { phase: 'waiting' }, null],
    );
    const raw = await host.api(`instances/${waiting}`);
    assert.equal(raw.status, 202);
    assert.match(await raw.text(), /"createdTime":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"/);

    const done = await host.startNew('chain', { input: '' });
    await host.ended(done);
    assert.equal((await host.api(`instances/${done}`)).status, 200);
    const options = { showHistory: true, showHistoryOutput: true };
    const { history = [] } = await host.client<InstanceStatus>('getStatus', done, options);
    assert.deepEqual(
      history.map(({ EventType, FunctionName, Result }) => [EventType, FunctionName, Result]),
      [
        ['ExecutionStarted', 'chain', undefined],
        ['TaskCompleted', 'echo', 'a'],
        ['TaskCompleted', 'echo', 'ab'],
        ['TaskCompleted', 'echo', 'abc'],
        ['ExecutionCompleted', undefined, 'abc'],
      ],
    );
  });

  it('page through all instances', async () => {
    const headers: Record<string, string> = {};
    const ids: string[] = [];
    for (;;) {
      const page = await host.api('instances?top=3', { headers });
      ids.push(...((await page.json()) as InstanceStatus[]).map(({ instanceId }) => instanceId));
      const token = page.headers.get('x-ms-continuation-token');
      if (token === null) break;
      headers['x-ms-continuation-token'] = token;
    }
    const all = await host.client<InstanceStatus[]>('getStatusAll');
    assert.ok(ids.length > 6);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(all.every(({ instanceId }) => ids.includes(instanceId)));
  });

  it('refuse event names that the library takes for tasks', async () => {
    const id = await host.startNew('forever');
    const response = await host.api(`instances/${id}/raiseEvent/0`, { method: 'POST', body: '1' });
    assert.equal(response.status, 400);
  });

  it('wait for completion, or get the URLs to ask later', async () => {
    const start = (name: string, timeoutMs: number) =>
      fetch(`${host.url}/api/startAndWait`, {
        method: 'POST',
        body: JSON.stringify({ name, input: '', timeoutMs }),
      });
    assert.equal(await (await start('chain', 10_000)).text(), '"abc"');
    const pending = await start('forever', 60);
    assert.equal(pending.status, 202);
    const { statusQueryGetUri } = (await pending.json()) as { statusQueryGetUri: string };
    assert.equal((await fetch(statusQueryGetUri)).status, 202);
  });
});

describe('the host', () => {
  it('does not start on data that another host uses, or with faults it does not know', async (t) => {
    await assert.rejects(host.startRival(t), /The Durable data folder .* is in use by process \d+/);
    await assert.rejects(
      DurableHost.start(t, azurite.connectionString, ['--durable-faults', 'sometimes=1']),
      /The Durable fault "sometimes=1" is unknown/,
    );
  });

  it('ends in order while orchestrations run, and goes on after its next start', async (t) => {
    const own = await DurableHost.start(t, azurite.connectionString);
    await own.startNew('steps', { instanceId: 'stopped', input: 30 });
    await pollUntil('it is under way', async () => (own.marks.length > 3 ? true : undefined));
    await own.stop();
    await own.restart();
    assert.equal((await own.ended('stopped')).output, 30);
    assert.equal(new Set(own.marks).size, 30);
  });
});

it('keeps up: entity operations a second', async (t) => {
  const count = 4_000;
  const beginMs = performance.now();
  const workers = Array.from({ length: 32 }, async (_, worker) => {
    for (let index = worker; index < count; index += 32) {
      const response = await host.api(`entities/Counter/fast-${index % 16}?op=add`, {
        method: 'POST',
        body: '1',
      });
      assert.equal(response.status, 202);
    }
  });
  await Promise.all(workers);
  await pollUntil('all are counted', async () => {
    const states = await Promise.all(
      Array.from({ length: 16 }, (_, index) => host.entity('Counter', `fast-${index}`)),
    );
    const total = states.reduce((sum, { entityState }) => sum + totalOf(entityState), 0);
    assert.ok(total <= count);
    return total === count ? true : undefined;
  });
  const seconds = (performance.now() - beginMs) / 1000;
  t.diagnostic(`${Math.round(count / seconds)} entity operations/s, each its own HTTP request`);
});

async function counterTotal(key: string, total: number): Promise<void> {
  let last: unknown;
  await pollUntil(`the counter ${key} is at ${total}`, async () => {
    last = (await host.entity('Counter', key)).entityState;
    return totalOf(last) === total ? true : undefined;
  }).catch((error: unknown) => {
    throw new Error(`It is ${JSON.stringify(last)}.`, { cause: error });
  });
}

function totalOf(state: unknown): number {
  return (state as { total?: number } | undefined)?.total ?? 0;
}

async function journal(key: string): Promise<number[]> {
  const { entityState } = await host.entity('Journal', key);
  return (entityState as { entries?: number[] } | undefined)?.entries ?? [];
}
