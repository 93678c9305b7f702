// The whole backend in one process, on a disk in memory, with the library's own orchestration engine.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instance } from '../../../local/durable/hubState.js';
import { DurableHub } from '../../../local/durable/index.js';
import { type Random, seededRandom, silentLogger, systemClock } from '../../../shared/base/index.js';
import { caseStride, ofSeeds } from '../../support/seeds.js';
import { patienceMs, until } from '../../support/waiting.js';
import { MemoryDisk } from './memoryDisk.js';
import { EntityId, type OrchestrationContext, RetryOptions, SdkFunctions } from './sdkFunctions.js';

const immediate = () => new Promise<void>((resolve) => setImmediate(resolve));

async function startHub(disk: MemoryDisk, functions: SdkFunctions, random: Random): Promise<DurableHub> {
  return DurableHub.start({
    data: disk,
    functions,
    logger: silentLogger,
    clock: systemClock,
    random,
    // So small that logs are compacted all the time.
    compactAboveBytes: 4_000,
  });
}

const stop = (hub: DurableHub) => hub.stop((work) => work);

async function endOf(
  hub: DurableHub,
  id: string,
  isGivenUp: () => boolean = () => false,
): Promise<Instance | undefined> {
  const deadlineMs = performance.now() + patienceMs;
  while (!isGivenUp()) {
    const instance = await hub.client.instance(id);
    if (instance?.status === 'Completed' || instance?.status === 'Failed') return instance;
    if (performance.now() > deadlineMs) throw new Error(`${id} hangs: ${JSON.stringify(instance)}`);
    await immediate();
  }
  return undefined;
}

interface SumState {
  readonly seen: number[];
}

/** An entity that remembers what it was given, in the library's protocol. */
function journal(payload: unknown): unknown {
  const { state, batch } = payload as { state: string | null; batch: { input: string }[] };
  const { seen } = JSON.parse(state ?? '{"seen":[]}') as SumState;
  const results = batch.map(({ input }) => {
    seen.push(Number(input));
    return { isError: false, result: JSON.stringify(seen.length) };
  });
  return { entityExists: true, entityState: JSON.stringify({ seen }), results, signals: [] };
}

describe('a crash at every operation of the disk', () => {
  it('loses no step, and gives entities each operation once', async () => {
    const stepCount = 6;
    const random = seededRandom(5);
    for (let crashAt = 1; ; crashAt += caseStride) {
      const effects: number[] = [];
      const functions = new SdkFunctions({
        orchestrators: {
          *main(context: OrchestrationContext) {
            const results: unknown[] = [];
            for (let step = 0; step < stepCount; step++) {
              results.push(yield context.df.callActivity('act', step));
              yield context.df.callEntity(new EntityId('journal', 'k'), 'append', step);
            }
            yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 1));
            return results;
          },
        },
        activities: {
          act: (input) => {
            effects.push(input as number);
            return input;
          },
        },
        entities: { journal },
      });
      const disk = new MemoryDisk();
      const first = await startHub(disk, functions, random);
      await first.client.start({ name: 'main', instanceId: 'i', input: null });
      disk.crashAfter(crashAt);
      const done = await endOf(first, 'i', () => disk.hasCrashed).catch(() => undefined);
      await stop(first).catch(() => {});

      const second = await startHub(disk.survivor(random), functions, random);
      const { status, output } = (await endOf(second, 'i'))!;
      const { state } = (await second.client.entity('journal', 'k'))!;
      await stop(second);
      const steps = Array.from({ length: stepCount }, (_, step) => step);
      assert.deepEqual([status, output], ['Completed', JSON.stringify(steps)], `crash at ${crashAt}`);
      assert.deepEqual(JSON.parse(state!), { seen: steps }, `crash at ${crashAt}`);
      assert.deepEqual([...new Set(effects)], steps, `crash at ${crashAt}`);
      assert.ok(effects.length <= stepCount + 1, 'only the activity that ran at the crash runs again');
      if (done === undefined) continue;
      assert.ok(crashAt > 2 * stepCount, `${crashAt}`);
      return;
    }
  });
});

/** A random orchestrator, and what it returns when every result reaches the task it belongs to. */
interface Program {
  readonly steps: readonly Step[];
}

type Leaf =
  | { readonly kind: 'activity' | 'entity' | 'timer'; readonly tag: number }
  | { readonly kind: 'retry' | 'retriedChild'; readonly tag: number; readonly failures: number }
  | { readonly kind: 'child'; readonly tag: number };

type Step =
  | { readonly kind: 'one'; readonly leaf: Leaf }
  | { readonly kind: 'all'; readonly leaves: readonly Leaf[] }
  /** The loser is awaited later by itself, while other tasks run. */
  | { readonly kind: 'race'; readonly leaves: readonly [Leaf, Leaf]; readonly between: Leaf }
  | { readonly kind: 'signal' };

const maxAttempts = 3;

function randomProgram(random: Random): Program {
  let tag = 0;
  const pick = (count: number) => Math.floor(random.next() * count);
  const leaf = (): Leaf => {
    const kind = (['activity', 'retry', 'entity', 'timer', 'child', 'retriedChild'] as const)[pick(6)]!;
    tag++;
    if (kind === 'retry' || kind === 'retriedChild') return { kind, tag, failures: pick(maxAttempts + 1) };
    return { kind, tag };
  };
  const steps = Array.from({ length: 2 + pick(6) }, (): Step => {
    switch (pick(4)) {
      case 0:
        return { kind: 'one', leaf: leaf() };
      case 1:
        return { kind: 'all', leaves: Array.from({ length: 1 + pick(4) }, leaf) };
      case 2:
        return { kind: 'race', leaves: [leaf(), leaf()], between: leaf() };
      default:
        return { kind: 'signal' };
    }
  });
  return { steps };
}

function taskOf({ df }: OrchestrationContext, leaf: Leaf): unknown {
  const key = `${df.instanceId}/${leaf.tag}`;
  switch (leaf.kind) {
    case 'activity':
      return df.callActivity('echo', leaf.tag);
    case 'retry':
      return df.callActivityWithRetry('flaky', new RetryOptions(1, maxAttempts), { ...leaf, key });
    case 'entity':
      return df.callEntity(new EntityId('echoes', key), 'echo', leaf.tag);
    case 'timer':
      return df.createTimer(new Date(df.currentUtcDateTime.getTime() + (leaf.tag % 3)));
    case 'child':
      return df.callSubOrchestrator('child', { ...leaf, key, failures: 0 });
    case 'retriedChild':
      return df.callSubOrchestratorWithRetry('child', new RetryOptions(1, maxAttempts), { ...leaf, key });
  }
}

/** What awaiting the task gives. */
function resultOf(leaf: Leaf): unknown {
  if ('failures' in leaf && leaf.failures >= maxAttempts) return 'failed';
  return leaf.kind === 'timer' ? null : leaf.tag;
}

function expectedOutput({ steps }: Program): unknown[] {
  return steps.flatMap((step) => {
    if (step.kind === 'one') return [resultOf(step.leaf)];
    if (step.kind === 'race') return [resultOf(step.between), ...step.leaves.map(resultOf)];
    if (step.kind === 'signal') return [];
    const results = step.leaves.map(resultOf);
    return results.includes('failed') ? ['failed'] : results;
  });
}

/** Runs it, noting `failed` where a task throws. */
function* interpret(context: OrchestrationContext): Generator<unknown, unknown, unknown> {
  const { steps } = context.df.getInput() as Program;
  const output: unknown[] = [];
  function* attempt(task: unknown): Generator<unknown, unknown, unknown> {
    try {
      return (yield task) ?? null;
    } catch {
      return 'failed';
    }
  }
  for (const step of steps) {
    switch (step.kind) {
      case 'signal':
        context.df.signalEntity(new EntityId('echoes', 'signalled'), 'echo', 1);
        break;
      case 'one':
        output.push(yield* attempt(taskOf(context, step.leaf)));
        break;
      case 'all': {
        const results = yield* attempt(context.df.Task.all(step.leaves.map((leaf) => taskOf(context, leaf))));
        const list = Array.isArray(results) ? (results as unknown[]) : [results];
        output.push(...list.map((result) => result ?? null));
        break;
      }
      case 'race': {
        const tasks = step.leaves.map((leaf) => taskOf(context, leaf));
        yield* attempt(context.df.Task.any(tasks));
        output.push(yield* attempt(taskOf(context, step.between)));
        for (const task of tasks) output.push(yield* attempt(task));
        break;
      }
    }
  }
  return output;
}

describe('random orchestrators', () => {
  it('get each result for the task it belongs to, in any order of completion', async () => {
    const programCount = ofSeeds(150);
    const random = seededRandom(42);
    const failuresLeft = new Map<string, number>();
    const flaky = (input: unknown) => {
      const { tag, key, failures } = input as { tag: number; key: string; failures: number };
      const left = failuresLeft.get(key) ?? failures;
      failuresLeft.set(key, left - 1);
      if (left > 0) throw new Error(`${key} fails`);
      return tag;
    };
    const functions = new SdkFunctions({
      orchestrators: {
        main: interpret,
        *child(context) {
          return yield context.df.callActivity('flaky', context.df.getInput());
        },
      },
      activities: { echo: (input) => input, flaky },
      entities: {
        echoes: (payload) => ({
          entityExists: true,
          entityState: '1',
          results: (payload as { batch: { input: string }[] }).batch.map(({ input }) => ({ result: input })),
          signals: [],
        }),
      },
      async pause() {
        for (let ticks = Math.floor(random.next() * 6); ticks > 0; ticks--) await immediate();
      },
    });
    const hub = await startHub(new MemoryDisk(), functions, random);
    const programs = Array.from({ length: programCount }, () => randomProgram(random));
    for (const [index, program] of programs.entries()) {
      await hub.client.start({ name: 'main', instanceId: `p${index}`, input: JSON.stringify(program) });
      if (index % 20 === 19) await endOf(hub, `p${index}`);
    }
    for (const [index, program] of programs.entries()) {
      const { status, output } = (await endOf(hub, `p${index}`))!;
      assert.equal(status, 'Completed', `${output}: ${JSON.stringify(program)}`);
      assert.deepEqual(JSON.parse(output!), expectedOutput(program), JSON.stringify(program));
    }
    await stop(hub);
  });
});

describe('many instances', () => {
  it('survive a clean stop with their state', async () => {
    const disk = new MemoryDisk();
    const functions = new SdkFunctions({ orchestrators: {}, entities: { journal } });
    const first = await startHub(disk, functions, seededRandom(1));
    const signals = Array.from({ length: 500 }, (_, index) =>
      first.client.signal('journal', `k${index % 10}`, 'append', String(index)),
    );
    assert.deepEqual(new Set(await Promise.all(signals)), new Set([undefined]));
    await stop(first);
    const second = await startHub(disk, functions, seededRandom(2));
    let total = 0;
    await until(
      async () => {
        const entities = await second.client.entities('journal');
        total = entities.reduce((sum, { state }) => sum + (JSON.parse(state!) as SumState).seen.length, 0);
        assert.ok(total <= 500);
        return total === 500;
      },
      () => `${total} of 500`,
    );
    await stop(second);
  });
});
