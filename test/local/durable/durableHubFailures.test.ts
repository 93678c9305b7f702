// What the backend does when functions fail, are missing, or take too long, and what happens to events in between.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DurableHub, type FunctionCall, type FunctionOutcome } from '../../../local/durable/index.js';
import { seededRandom, silentLogger, systemClock } from '../../../shared/base/index.js';
import type { Cleanup } from '../../support/cleanup.js';
import { pollUntil } from '../../support/waiting.js';
import { MemoryDisk } from './memoryDisk.js';
import {
  EntityId,
  type OrchestrationContext,
  SdkFunctions,
  type SdkFunctionsOptions,
} from './sdkFunctions.js';

/** Functions whose first calls of a kind end as a test wants. */
class FailingFunctions extends SdkFunctions {
  constructor(
    options: SdkFunctionsOptions,
    private readonly kind: FunctionCall['kind'],
    private readonly outcomes: FunctionOutcome[],
  ) {
    super(options);
  }

  override async run(call: FunctionCall): Promise<FunctionOutcome> {
    return (call.kind === this.kind ? this.outcomes.shift() : undefined) ?? super.run(call);
  }
}

async function start(t: Cleanup, functions: SdkFunctions, disk = new MemoryDisk()): Promise<DurableHub> {
  const hub = await DurableHub.start({
    data: disk,
    functions,
    logger: silentLogger,
    clock: systemClock,
    random: seededRandom(9),
  });
  t.after(() => hub.stop((work) => work));
  return hub;
}

function ended(hub: DurableHub, id: string): Promise<readonly [status: string, output: unknown]> {
  return pollUntil(`${id} has ended`, async () => {
    const { status = '', output = null } = (await hub.client.instance(id)) ?? {};
    const isEnd = ['Completed', 'Failed', 'Terminated'].includes(status);
    return isEnd ? ([status, JSON.parse(output ?? 'null')] as const) : undefined;
  });
}

/** Counts its operations; answers with the count. */
function counter(payload: unknown): unknown {
  const { state, batch } = payload as { state: string | null; batch: unknown[] };
  const before = Number(state ?? '0');
  const results = batch.map((_, index) => ({ isError: false, result: String(before + index + 1) }));
  return { entityExists: true, entityState: String(before + batch.length), results, signals: [] };
}

const k = new EntityId('counter', 'k');

const callsCounter: SdkFunctionsOptions = {
  orchestrators: {
    *main(context: OrchestrationContext) {
      try {
        return yield context.df.callEntity(k, 'add', 1);
      } catch (error) {
        return String(error);
      }
    },
  },
  entities: { counter },
};

describe('an entity', () => {
  it('gets its batch again when the whole invocation failed', async (t) => {
    const outcomes: FunctionOutcome[] = [1, 2].map(() => ({ kind: 'threw', error: new Error('host') }));
    const hub = await start(t, new FailingFunctions(callsCounter, 'entity', outcomes));
    await hub.client.start({ name: 'main', instanceId: 'i', input: null });
    assert.deepEqual(await ended(hub, 'i'), ['Completed', 1]);
    assert.equal((await hub.client.entity('counter', 'k'))?.state, '1');
    assert.equal(outcomes.length, 0);
  });

  it('that takes too long fails each operation and keeps its state', async (t) => {
    const outcomes: FunctionOutcome[] = [{ kind: 'timedOut', message: 'too slow' }];
    const hub = await start(t, new FailingFunctions(callsCounter, 'entity', outcomes));
    await hub.client.start({ name: 'main', instanceId: 'i', input: null });
    assert.deepEqual(await ended(hub, 'i'), ['Completed', 'Error: too slow']);
    assert.equal(await hub.client.entity('counter', 'k'), undefined);
  });

  it('that the app does not have fails its callers', async (t) => {
    const hub = await start(t, new SdkFunctions({ ...callsCounter, entities: {} }));
    await hub.client.start({ name: 'main', instanceId: 'i', input: null });
    assert.deepEqual(await ended(hub, 'i'), [
      'Completed',
      "Error: The app has no entity function 'counter'.",
    ]);
  });
});

describe('an activity', () => {
  it('hands on the details of its failure where the app describes them', async (t) => {
    const functions = new SdkFunctions({
      orchestrators: {
        *main(context: OrchestrationContext) {
          try {
            return yield context.df.callActivity('act', null);
          } catch (error) {
            return (error as { failureDetails?: unknown }).failureDetails;
          }
        },
      },
      activities: {
        act() {
          const details = {
            errorType: 'Refusal',
            errorMessage: 'no',
            properties: { code: 7 },
            stackTrace: 'here',
          };
          throw new Error(JSON.stringify({ ...details, isNonRetriable: false }));
        },
      },
    });
    const hub = await start(t, functions);
    await hub.client.start({ name: 'main', instanceId: 'i', input: null });
    const [status, output] = await ended(hub, 'i');
    assert.equal(status, 'Completed');
    const { errorType, errorMessage, properties } = output as Record<string, unknown>;
    assert.deepEqual([errorType, errorMessage, properties], ['Refusal', 'no', { code: 7 }]);
  });
});

describe('an orchestration', () => {
  it('whose function is gone after a restart fails', async (t) => {
    const disk = new MemoryDisk();
    const waits = {
      *main(context: OrchestrationContext): Generator<unknown, unknown, unknown> {
        return yield context.df.waitForExternalEvent('wakes it');
      },
    };
    const first = await start(t, new SdkFunctions({ orchestrators: waits }), disk);
    await first.client.start({ name: 'main', instanceId: 'i', input: null });
    await first.stop((work) => work);
    const second = await start(t, new SdkFunctions({ orchestrators: {} }), disk);
    await second.client.raiseEvent('i', 'wakes it', null);
    const [status, output] = await ended(second, 'i');
    assert.equal(status, 'Failed');
    assert.match(String(output), /no orchestrator function 'main'/);
  });

  it('that uses what this backend lacks fails with a message', async (t) => {
    const functions = new SdkFunctions({
      orchestrators: {
        *main(context: OrchestrationContext) {
          return yield context.df.callHttp({ method: 'GET', url: 'http://127.0.0.1/' });
        },
      },
    });
    const hub = await start(t, functions);
    await hub.client.start({ name: 'main', instanceId: 'i', input: null });
    const [status, output] = await ended(hub, 'i');
    assert.equal(status, 'Failed');
    assert.match(String(output), /callHttp is not supported/);
  });

  it('cannot start a child under the id of an instance that runs', async (t) => {
    const functions = new SdkFunctions({
      orchestrators: {
        *main(context: OrchestrationContext) {
          try {
            return yield context.df.callSubOrchestrator('main', null, context.df.instanceId);
          } catch (error) {
            return String(error);
          }
        },
      },
    });
    const hub = await start(t, functions);
    await hub.client.start({ name: 'main', instanceId: 'i', input: null });
    const [, output] = await ended(hub, 'i');
    assert.match(String(output), /instance id i is running already/);
  });

  it('keeps the events that came with the one it continued as new for', async (t) => {
    const functions = new SdkFunctions({
      orchestrators: {
        *main(context: OrchestrationContext) {
          const { seen } = context.df.getInput() as { seen: unknown[] };
          if (seen.length === 10) return seen;
          const event: unknown = yield context.df.waitForExternalEvent('number');
          context.df.continueAsNew({ seen: [...seen, event] });
          return undefined;
        },
      },
    });
    const hub = await start(t, functions);
    // All in the inbox before the first turn.
    const started = hub.client.start({ name: 'main', instanceId: 'i', input: '{"seen":[]}' });
    const numbers = Array.from({ length: 10 }, (_, index) => index);
    const raised = numbers.map((number) => hub.client.raiseEvent('i', 'number', String(number)));
    await Promise.all([started, ...raised]);
    assert.deepEqual(await ended(hub, 'i'), ['Completed', numbers]);
  });

  it('that has been terminated hears no more, and tells its parent', async (t) => {
    const functions = new SdkFunctions({
      orchestrators: {
        *parent(context: OrchestrationContext) {
          try {
            return yield context.df.callSubOrchestrator('child', null);
          } catch (error) {
            return String(error);
          }
        },
        *child(context: OrchestrationContext) {
          return yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 3_600_000));
        },
      },
    });
    const hub = await start(t, functions);
    await hub.client.start({ name: 'parent', instanceId: 'i', input: null });
    const childId = await pollUntil('the child runs', async () => {
      const all = await hub.client.instances({ statuses: ['Running'] });
      return all.find(({ name }) => name === 'child')?.instanceId;
    });
    assert.equal(await hub.client.terminate(childId, 'enough'), 'accepted');
    const [status, output] = await ended(hub, 'i');
    assert.equal(status, 'Completed');
    assert.match(String(output), /terminated: enough/);
    assert.equal(await hub.client.raiseEvent(childId, 'x', null), 'ended');
  });
});
