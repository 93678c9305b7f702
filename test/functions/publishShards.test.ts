// The orchestration, replayed by the unmodified library: whatever the order in which its tasks end, every replay of the history
// asks for the same things in the same order.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import type { InvocationContext } from '@azure/functions';
import type { OrchestrationHandler } from 'durable-functions';
import { publishShards } from '../../functions/publishResults.js';
import { eventTypes } from '../../local/durable/historyEvents.js';
import { type Random, seededRandom } from '../../shared/base/index.js';
import type { PublicationInput, PublishOutcome } from '../../shared/results/index.js';
import type { SealedBatch } from '../../shared/shards/index.js';
import { ofSeeds } from '../support/seeds.js';

interface Action {
  readonly actionType: number;
  readonly operation?: string;
  readonly instanceId?: string;
  readonly functionName?: string;
  readonly input?: unknown;
  readonly compoundActions?: readonly Action[];
}

interface Turn {
  readonly isDone: boolean;
  readonly actions: readonly (readonly Action[])[];
}

type Handle = (trigger: unknown, context: InvocationContext) => Promise<Turn>;

const require = createRequire(import.meta.url);
// Outside of a host the library's classes are reachable this way only.
const functions = require('@azure/functions') as { readonly InvocationContext: typeof InvocationContext };
/** The library has no door to it; the contract it follows is the host's. */
const { Orchestrator } = require('durable-functions/lib/src/orchestrations/Orchestrator.js') as {
  readonly Orchestrator: new (handler: OrchestrationHandler) => { listen(): Handle };
};

const continueAsNew = 4;

type Event = Readonly<Record<string, unknown>>;

/** Runs the history anew, from the first event, as every turn does. */
async function replay(history: readonly Event[], input: PublicationInput): Promise<Turn> {
  const trigger = { history, input, instanceId: 'publishResults', isReplaying: false, upperSchemaVersion: 1 };
  const handle = new Orchestrator(publishShards as unknown as OrchestrationHandler).listen();
  // The library changes what it is given.
  return handle(structuredClone(trigger), new functions.InvocationContext({ functionName: 'publishShards' }));
}

function flat({ actions }: Turn): Action[] {
  const open = (action: Action): Action[] => action.compoundActions?.flatMap(open) ?? [action];
  return actions.flat().flatMap(open);
}

const emptyBatch: SealedBatch = {
  ...{ number: null, hasMore: false, bornMs: 1, layouts: [], latest: [], summary: null },
  rows: { alerts: [], failed: [], late: [], windows: [] },
};

class Recording {
  readonly history: Event[] = [];
  #scheduled = 0;
  #seconds = 0;
  /** Events that are still to come. */
  #pending: Event[] = [];

  constructor(
    private readonly random: Random,
    private readonly input: PublicationInput,
  ) {
    this.#begin([
      { EventType: eventTypes.executionStarted, Name: 'publishShards', Input: JSON.stringify(input) },
    ]);
  }

  /** Turn by turn to the end. @returns what each turn asked for in all */
  async run(): Promise<{ readonly turns: readonly Turn[]; readonly lengths: readonly number[] }> {
    const turns: Turn[] = [];
    const lengths: number[] = [];
    for (;;) {
      const turn = await replay(this.history, this.input);
      turns.push(turn);
      lengths.push(this.history.length);
      if (turn.isDone) return { turns, lengths };
      this.#schedule(flat(turn));
      assert.ok(this.#pending.length > 0, 'it waits for nothing');
      const count = 1 + Math.floor(this.random.next() * this.#pending.length);
      const arrived = Array.from({ length: count }, () => {
        return this.#pending.splice(Math.floor(this.random.next() * this.#pending.length), 1)[0]!;
      });
      this.#begin(arrived);
    }
  }

  #begin(events: readonly Event[]): void {
    this.#seconds++;
    const base = { EventId: -1, IsPlayed: false, Timestamp: new Date(this.#seconds * 1000).toISOString() };
    this.history.push({ ...base, EventType: eventTypes.orchestratorStarted });
    for (const event of events) this.history.push({ ...base, ...event });
  }

  #schedule(actions: readonly Action[]): void {
    const base = { IsPlayed: false, Timestamp: new Date(this.#seconds * 1000).toISOString() };
    for (const action of actions.slice(this.#scheduled)) {
      const EventId = this.#scheduled++;
      const { operation, functionName, instanceId } = action;
      if (operation !== undefined) {
        const id = `call-${EventId}`;
        const Input = JSON.stringify({ op: operation, id });
        this.history.push({
          ...base,
          EventType: eventTypes.eventSent,
          EventId,
          InstanceId: instanceId,
          Name: 'op',
          Input,
        });
        if (operation !== 'seal') continue;
        const result = JSON.stringify(this.#sealed());
        this.#pending.push({
          EventType: eventTypes.eventRaised,
          Name: id,
          Input: JSON.stringify({ result }),
        });
      } else if (functionName !== undefined) {
        this.history.push({ ...base, EventType: eventTypes.taskScheduled, EventId, Name: functionName });
        const Result = JSON.stringify(this.#published(action.input as SealedBatch & { shard: number }));
        this.#pending.push({ EventType: eventTypes.taskCompleted, TaskScheduledId: EventId, Result });
      } else {
        this.history.push({ ...base, EventType: eventTypes.timerCreated, EventId });
        this.#pending.push({ EventType: eventTypes.timerFired, TimerId: EventId });
      }
    }
  }

  #sealed(): SealedBatch {
    if (this.random.next() < 0.4) return emptyBatch;
    if (this.random.next() < 0.4) return { ...emptyBatch, isUnstored: true };
    return { ...emptyBatch, number: Math.floor(this.random.next() * 9), hasMore: this.random.next() < 0.4 };
  }

  #published({ shard, number }: SealedBatch & { shard: number }): PublishOutcome {
    if (this.random.next() < 0.2) return { kind: 'failed', shard, error: 'storage is down' };
    return { kind: 'published', shard, number };
  }
}

describe('the publication of shards', () => {
  it('asks for the same things in every replay of its history', async () => {
    let goneOn = 0;
    let longest = 0;
    for (let seed = 1; seed <= ofSeeds(200); seed++) {
      const random = seededRandom(seed);
      const shardCount = 1 + Math.floor(random.next() * 50);
      const waiting = Array.from({ length: shardCount }, (_, shard) => ({ shard }));
      const input = { waiting, shardCount, onlyAlerts: random.next() < 0.3 };
      const recording = new Recording(random, input);
      const { turns, lengths } = await recording.run();
      longest = Math.max(longest, turns.length);
      const all = flat(turns.at(-1)!);
      goneOn += all.at(-1)?.actionType === continueAsNew ? 1 : 0;
      for (const [index, turn] of turns.entries()) {
        assert.deepEqual(
          flat(turn),
          all.slice(0, flat(turn).length),
          `turn ${index} asked for something else`,
        );
        const again = await replay(recording.history.slice(0, lengths[index]), input);
        assert.deepEqual(again, turn, `turn ${index}, replayed`);
      }
    }
    assert.ok(
      goneOn > ofSeeds(50) && longest > 10,
      `${goneOn} went on as new, the longest had ${longest} turns`,
    );
  });

  it('acknowledges exactly what was published', async () => {
    const random = seededRandom(7);
    for (let round = 0; round < ofSeeds(50); round++) {
      const waiting = Array.from({ length: 8 }, (_, shard) => ({ shard }));
      const recording = new Recording(random, { waiting, shardCount: 8 });
      const { turns } = await recording.run();
      const actions = flat(turns.at(-1)!);
      const outcomes = recording.history
        .filter(({ EventType }) => EventType === eventTypes.taskCompleted)
        .map(({ Result }) => JSON.parse(String(Result)) as PublishOutcome);
      const published = outcomes.flatMap((outcome) =>
        outcome.kind === 'published' ? [`@deviceshard@${outcome.shard} ${outcome.number}`] : [],
      );
      const signalled = actions
        .filter(({ operation }) => operation === 'ack')
        .map(({ instanceId, input }) => `${instanceId} ${(input as { number: number }).number}`);
      const last = actions.at(-1);
      const next = last?.actionType === continueAsNew ? (last.input as PublicationInput).waiting : [];
      const handedOn = next.map(({ shard, acknowledge }) => `@deviceshard@${shard} ${acknowledge}`);
      assert.deepEqual([...signalled, ...handedOn].sort(), published.sort());
    }
  });
});
