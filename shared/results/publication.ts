// Pure. The steps of a publication, decided from what was sealed and published: the orchestration that carries them out is
// replayed, so everything here depends on its arguments alone.
import type { SealedBatch, SealInput } from '../shards/index.js';
import type { PublishOutcome } from './publisher.js';
import type { ShardBatch } from './resultTables.js';

/** JSON: it is the input of an orchestration. */
export interface PublicationInput {
  readonly waiting: readonly WaitingShard[];
  /** Shards of the pipeline. */
  readonly shardCount: number;
  /** Publishes alerts at once, and looks again until no more come. */
  readonly onlyAlerts?: boolean;
  /** Whether this is a look again. */
  readonly isFollowUp?: boolean;
}

interface WaitingShard {
  readonly shard: number;
  /** Number of the batch that the shard may forget. */
  readonly acknowledge?: number;
}

type ShardSeal = Omit<SealInput, 'nowMs'> & { readonly shard: number };

export interface PublicationRound {
  readonly seals: readonly ShardSeal[];
  /** Seals whose batch was not stored when they were answered. @param sealed one per seal */
  again(sealed: readonly SealedBatch[]): readonly ShardSeal[];
  /** @param answers to the seals that were done `again` @returns `sealed` with these in their places */
  completed(sealed: readonly SealedBatch[], answers: readonly SealedBatch[]): readonly SealedBatch[];
  /** @param sealed one per seal */
  publishable(sealed: readonly SealedBatch[]): readonly ShardBatch[];
  /** @param outcomes one per batch */
  after(batches: readonly ShardBatch[], outcomes: readonly PublishOutcome[]): AfterRound;
}

export interface AfterRound {
  /** Batches of shards that have nothing more for now. */
  readonly acknowledged: readonly { readonly shard: number; readonly number: number }[];
  readonly pauseMs: number;
  readonly next: PublicationInput | undefined;
}

/** Devices whose latest state one run takes along: small tables are slow, and nothing else may wait for them. */
const latestPerRun = 1_000;
/** Each has a sealed batch in the history and one in an activity's input. */
const shardsAtOnce = 32;
/** Seals of one shard in one round. Only where a provider ran one again is the second not enough; the next run takes what is left. */
export const mostSeals = 3;
/** Alerts of a steady stream of breaches leave together; each commit makes a file. */
export const alertPauseMs = 1_000;

export function planPublication(input: PublicationInput): PublicationRound {
  const { waiting, shardCount, onlyAlerts = false } = input;
  const maxDevices = Math.max(1, Math.floor(latestPerRun / shardCount));
  const now = waiting.slice(0, shardsAtOnce);
  const seals = now.map((shard) => ({ ...shard, onlyAlerts, maxDevices }));
  return {
    seals,
    again: (sealed) => seals.filter((_, index) => isUnstored(sealed[index])),
    completed: (sealed, answers) => {
      const waiting = [...answers];
      return sealed.map((batch) => {
        if (!isUnstored(batch)) return batch;
        const answer = waiting.shift() ?? batch;
        return { ...answer, summary: batch.summary ?? answer.summary };
      });
    },
    publishable: (sealed) =>
      now.flatMap(({ shard }, index) => {
        const batch = sealed[index];
        // A shard that cannot be read answers nothing; its entity has told the log.
        const hasSomething =
          batch !== undefined && batch !== null && (batch.number !== null || batch.summary !== null);
        return hasSomething ? [{ ...batch, shard }] : [];
      }),
    after: (batches, outcomes) =>
      onlyAlerts ? afterAlerts(input, batches, outcomes) : afterAll(input, batches, outcomes),
  };
}

/** Histories of earlier versions have no such answers; a shard that cannot be read answers nothing. */
function isUnstored(batch: SealedBatch | null | undefined): boolean {
  return batch?.isUnstored === true;
}

function afterAll(
  input: PublicationInput,
  batches: readonly ShardBatch[],
  outcomes: readonly PublishOutcome[],
): AfterRound {
  const published = publishedNumbers(batches, outcomes);
  const more = published.filter(({ hasMore }) => hasMore);
  const rest = input.waiting.slice(shardsAtOnce);
  const waiting = [...rest, ...more.map(({ shard, number }) => ({ shard, acknowledge: number }))];
  return {
    acknowledged: published.filter(({ hasMore }) => !hasMore),
    pauseMs: 0,
    next: waiting.length === 0 ? undefined : { ...input, waiting },
  };
}

/** The breach that started it may still be on its way to the shard, so there is always a second look. */
function afterAlerts(
  input: PublicationInput,
  batches: readonly ShardBatch[],
  outcomes: readonly PublishOutcome[],
): AfterRound {
  const published = publishedNumbers(batches, outcomes);
  const hasFailed = outcomes.some(({ kind }) => kind === 'failed');
  const isOver = hasFailed || (published.length === 0 && input.isFollowUp === true);
  const waiting = input.waiting.map(({ shard }) => ({ shard }));
  return {
    acknowledged: published,
    pauseMs: isOver ? 0 : alertPauseMs,
    next: isOver ? undefined : { ...input, waiting, isFollowUp: true },
  };
}

function publishedNumbers(batches: readonly ShardBatch[], outcomes: readonly PublishOutcome[]) {
  return batches.flatMap(({ shard, number, hasMore }, index) =>
    number !== null && outcomes[index]?.kind === 'published' ? [{ shard, number, hasMore }] : [],
  );
}
