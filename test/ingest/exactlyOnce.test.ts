// Every way to be cut off: a crash at each write, lost answers, redelivery cut at other places, two owners at once.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import pipeline from '../../pipeline.js';
import { type Clock, seededRandom, silentLogger } from '../../shared/base/index.js';
import { openTable, TableWriter } from '../../shared/delta/index.js';
import {
  createEventDecoder,
  type EventBatch,
  quarantineSchema,
  readingSchema,
} from '../../shared/events/index.js';
import { Ingestor } from '../../shared/ingest/index.js';
import { type DataBatch, readParquet } from '../../shared/parquet/index.js';
import { createMemoryStore, type ObjectStore, storeBelow } from '../../shared/storage/index.js';
import { rowsOf } from '../support/accounting.js';
import { type FaultPlan, FaultyStore, ProcessKilled, type WriteFault } from '../support/faultyStore.js';
import { InstantClock } from '../support/instantClock.js';
import { Interleaving } from '../support/interleaving.js';
import { caseStride, ofSeeds } from '../support/seeds.js';
import { cutEvents, firstEnqueuedMs, simulatedEvents } from '../support/simulatedBatch.js';

const hub = 'sensor-data';
const eventCount = 60;
const partitions: readonly EventBatch[] = ['0', '1'].map((name, seed) =>
  simulatedEvents(hub, name, eventCount, seed + 1),
);
const decoder = createEventDecoder(pipeline);

/** A process with nothing in memory, over what the storage holds. */
function startProcess(
  store: ObjectStore,
  seed: number,
  clock: Clock = new InstantClock(firstEnqueuedMs),
): Ingestor {
  const random = seededRandom(seed);
  const writer = (root: string, schema: ReturnType<typeof quarantineSchema>) =>
    new TableWriter({ store, root, schema, clock, random });
  return new Ingestor({
    decoder,
    readings: writer('readings', readingSchema(pipeline)),
    quarantine: writer('quarantine', quarantineSchema()),
    clock,
    logger: silentLogger,
  });
}

/** Delivers from the start, in batches of random size, both partitions at once, as a host without a checkpoint would. */
async function deliverAll(ingestor: Ingestor, seed: number): Promise<void> {
  const random = seededRandom(seed);
  await Promise.all(
    partitions.map(async (events) => {
      for (let from = 0; from < eventCount; ) {
        const to = Math.min(eventCount, from + 5 + Math.floor(random.next() * 25));
        await ingestor.ingest(cutEvents(events, from, to));
        from = to;
      }
    }),
  );
}

interface Rows {
  /** `partition/sequence/index` of each row, sorted. */
  readonly identities: readonly string[];
  readonly quarantined: number;
}

async function committedRows(store: ObjectStore): Promise<Rows> {
  const identities: string[] = [];
  let quarantined = 0;
  for (const root of ['readings', 'quarantine']) {
    const { snapshot } = await openTable({ store, root, clock: new InstantClock(0) });
    const table = storeBelow(store, root);
    for (const path of snapshot.files.keys()) {
      const batch = await readParquet((await table.read(decodeURIComponent(path)))!);
      identities.push(...identitiesOf(batch));
      if (root === 'quarantine') quarantined += batch.rowCount;
    }
  }
  return { identities: identities.sort(), quarantined };
}

function identitiesOf(batch: DataBatch): string[] {
  const values = (name: string) => {
    const column = batch.columns[batch.fields.findIndex((field) => field.name === name)];
    assert.ok(column?.kind === 'text' || column?.kind === 'numbers');
    return column.values;
  };
  const [partition, sequence, index] = [values('_partition'), values('_sequence_number'), values('_index')];
  return Array.from(
    { length: batch.rowCount },
    (_, row) => `${partition[row]}/${sequence[row]}/${index[row]}`,
  );
}

let truth: Rows;

before(async () => {
  const store = createMemoryStore(new InstantClock(firstEnqueuedMs));
  await deliverAll(startProcess(store, 1), 1);
  truth = await committedRows(store);
  const expectedRows = partitions
    .flatMap(({ bodies }) => bodies)
    .reduce((sum, body) => sum + rowsOf(body), 0);
  assert.equal(truth.identities.length, expectedRows);
  assert.equal(new Set(truth.identities).size, expectedRows, 'no row twice');
  assert.ok(truth.quarantined > 5, 'too few bad bodies to prove anything');
});

async function assertExactlyOnce(store: ObjectStore): Promise<void> {
  assert.deepEqual(await committedRows(store), truth);
}

describe('ingest is exactly once', () => {
  it('when the process dies at any write, before or after it lands, and the events come again cut otherwise', async () => {
    let crashes = 0;
    for (const when of ['before', 'after'] as const) {
      for (let atWrite = 1; ; atWrite += caseStride) {
        const store = createMemoryStore(new InstantClock(firstEnqueuedMs));
        const faulty = new FaultyStore(store, { crash: { atWrite, when } });
        const outcome = await deliverAll(startProcess(faulty, atWrite), 1).catch((error: unknown) => error);
        if (faulty.faultCount === 0) {
          assert.equal(outcome, undefined);
          break;
        }
        assert.ok(isKill(outcome), String(outcome));
        crashes++;
        await deliverAll(startProcess(store, 1_000 + atWrite), 1 + (atWrite % 7));
        await assertExactlyOnce(store);
      }
    }
    assert.ok(crashes >= ofSeeds(40), `only ${crashes} crashes`);
  });

  it('when answers are lost, late or refused at random', async () => {
    const faults: readonly WriteFault[] = ['lostError', 'lostExists', 'late', 'refused'];
    let faultCount = 0;
    for (let seed = 1; seed <= ofSeeds(60); seed++) {
      const random = seededRandom(seed);
      const store = createMemoryStore(new InstantClock(firstEnqueuedMs));
      const plan: FaultPlan = {
        writeFault: () =>
          random.next() < 0.3 ? faults[Math.floor(random.next() * faults.length)] : undefined,
        flakyReads: { random, probability: 0.05 },
      };
      const faulty = new FaultyStore(store, plan);
      const ingestor = startProcess(faulty, seed);
      await retryForEver(() => deliverAll(ingestor, seed));
      faultCount += faulty.faultCount;
      await assertExactlyOnce(store);
    }
    assert.ok(faultCount > ofSeeds(500), `only ${faultCount} faults`);
  });

  it('when two processes own the partitions at once', async () => {
    for (let seed = 1; seed <= ofSeeds(40); seed++) {
      const random = seededRandom(seed);
      const store = createMemoryStore(new InstantClock(firstEnqueuedMs));
      const interleaving = new Interleaving(random);
      const results = await interleaving.run(
        [1, 2].map((owner) => () => {
          const ingestor = startProcess(interleaving.view(store), seed * 10 + owner);
          return retryForEver(() => deliverAll(ingestor, seed * 10 + owner));
        }),
      );
      assert.deepEqual(
        results.filter((result) => result.status === 'rejected'),
        [],
      );
      await assertExactlyOnce(store);
    }
  });

  it('when one event can never be written: it goes to quarantine whole and the others go on', async () => {
    const store = createMemoryStore(new InstantClock(firstEnqueuedMs));
    const events = partitions[0]!;
    const cursed = events.sequenceNumbers.find(
      (sequenceNumber) => rowsOf(events.bodies[sequenceNumber]!) === 1,
    )!;
    const clock = new InstantClock(firstEnqueuedMs);
    const random = seededRandom(3);
    const readings = new TableWriter({
      store,
      root: 'readings',
      schema: readingSchema(pipeline),
      clock,
      random,
    });
    const quarantine = new TableWriter({
      store,
      root: 'quarantine',
      schema: quarantineSchema(),
      clock,
      random,
    });
    const ingestor = new Ingestor({
      decoder,
      readings: {
        committedTransactions: () => readings.committedTransactions(),
        append: (request) =>
          readings.append({
            prepare(committed, table) {
              const planned = request.prepare(committed, table);
              if (
                planned !== undefined &&
                identitiesOf(planned.batch).some((identity) => identity.startsWith(`0/${cursed}/`))
              ) {
                throw new RangeError('this row breaks the encoder');
              }
              return planned;
            },
          }),
      },
      quarantine,
      clock,
      logger: silentLogger,
    });
    await ingestor.ingest(events);
    await ingestor.ingest(events);
    const { identities } = await committedRows(store);
    const expected = truth.identities
      .filter((identity) => identity.startsWith('0/'))
      .map((identity) => (identity.startsWith(`0/${cursed}/`) ? `0/${cursed}/-1` : identity))
      .sort();
    assert.deepEqual(identities, expected);
  });
});

function isKill(error: unknown): boolean {
  return error instanceof ProcessKilled || (error instanceof Error && isKill(error.cause));
}

/** As the host's retry policy does: the same call, until it goes through. */
async function retryForEver(work: () => Promise<void>): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    try {
      return await work();
    } catch (error) {
      if ((error as { retry?: string }).retry !== 'transient') throw error;
    }
  }
  throw new Error('1,000 attempts did not go through');
}
