// Alerts of a batch -> every webhook: each device's in order, several devices at a time, and never for longer than there is time.
import type { Clock, Logger, Random } from '../base/index.js';
import type { EventBatch } from '../events/index.js';
import { type UndeliveredAlert, type UndeliveredTable, undeliveredAppend } from './undeliveredAlerts.js';
import type { PostToWebhook, WebhookTarget } from './webhookClient.js';
import { type WebhookEvent, webhookBatchOf } from './webhookEvents.js';
import {
  maxAttempts,
  pauseMs,
  type UndeliveredReason,
  verdictOf,
  type WebhookAnswer,
} from './webhookPolicy.js';

export interface WebhookDeliveryOptions {
  readonly targets: readonly WebhookTarget[];
  readonly post: PostToWebhook;
  readonly table: UndeliveredTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** After that nothing of the batch is tried any more. Default 3 minutes; a function has 5 in the Consumption plan. */
  readonly batchTimeMs?: number;
}

/** Devices whose alerts one webhook gets at a time. */
const lanesAtATime = 8;
/** After so many alerts that no attempt got through, the webhook is taken for down: one attempt for each of the others. */
const failuresUntilDown = 3;
const rememberedDeliveries = 20_000;

interface Round {
  readonly batch: EventBatch;
  readonly deadlineMs: number;
  readonly undelivered: UndeliveredAlert[];
}

/** How one webhook does in one batch. */
interface TargetRound extends Round {
  readonly target: WebhookTarget;
  failuresInARow: number;
}

export class WebhookDelivery {
  readonly #options: WebhookDeliveryOptions;
  /** What has been delivered lately: a batch that the host hands over again is not posted again by this process. */
  readonly #delivered = new Set<string>();

  constructor(options: WebhookDeliveryOptions) {
    this.#options = options;
  }

  /**
   * Resolves when each alert was taken by each webhook or is in the table of undelivered ones.
   * @throws what the table's writer throws; the host then hands the batch over again
   */
  async deliver(batch: EventBatch): Promise<void> {
    const { clock, targets, table, batchTimeMs = 180_000 } = this.#options;
    const { lanes, invalid } = webhookBatchOf(batch);
    const undelivered: UndeliveredAlert[] = invalid.map((position) => ({
      ...{ position, id: null, deviceId: null, webhook: null, reason: 'invalid_event', attempts: 0 },
      detail: 'not a CloudEvent 1.0 in JSON',
    }));
    const round: Round = { batch, deadlineMs: clock.nowMs() + batchTimeMs, undelivered };
    await Promise.all(
      targets.map((target) => this.#deliverTo(lanes, { ...round, target, failuresInARow: 0 })),
    );
    if (undelivered.length === 0) return;
    this.#report(undelivered, batch);
    await table.append(undeliveredAppend(batch, undelivered, clock.nowMs()));
  }

  async #deliverTo(lanes: readonly (readonly WebhookEvent[])[], round: TargetRound): Promise<void> {
    const waiting = [...lanes];
    const work = async () => {
      for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift()) {
        for (const event of lane) await this.#deliverEvent(event, round);
      }
    };
    await Promise.all(Array.from({ length: Math.min(lanesAtATime, waiting.length) }, work));
  }

  async #deliverEvent(event: WebhookEvent, round: TargetRound): Promise<void> {
    const key = `${round.target.name} ${event.id}`;
    if (this.#delivered.has(key)) return;
    const { clock, post, random } = this.#options;
    let answer: WebhookAnswer | undefined;
    for (let attempt = 0; ; attempt++) {
      if (clock.nowMs() >= round.deadlineMs)
        return this.#giveUp(event, round, 'out_of_time', attempt, answer);
      answer = await post(round.target, event);
      const verdict = verdictOf(answer);
      if (verdict === 'delivered') return this.#noteDelivered(key, round);
      if (verdict === 'refused') return this.#giveUp(event, round, 'refused', attempt + 1, answer);
      const attemptsLeft = round.failuresInARow >= failuresUntilDown ? 0 : maxAttempts - attempt - 1;
      if (attemptsLeft <= 0) {
        round.failuresInARow += 1;
        return this.#giveUp(event, round, 'retries_exhausted', attempt + 1, answer);
      }
      const leftMs = round.deadlineMs - clock.nowMs();
      await clock.sleep(Math.min(pauseMs(attempt, random.next(), answer), leftMs));
    }
  }

  #noteDelivered(key: string, round: TargetRound): void {
    round.failuresInARow = 0;
    this.#delivered.add(key);
    // The oldest goes: a set keeps the order of insertion.
    const [oldest] = this.#delivered;
    if (this.#delivered.size > rememberedDeliveries && oldest !== undefined) this.#delivered.delete(oldest);
  }

  #giveUp(
    { position, id, deviceId }: WebhookEvent,
    round: TargetRound,
    reason: UndeliveredReason,
    attempts: number,
    answer: WebhookAnswer | undefined,
  ): void {
    const detail = answer?.detail ?? 'not tried';
    round.undelivered.push({ position, id, deviceId, webhook: round.target.name, reason, attempts, detail });
  }

  #report(undelivered: readonly UndeliveredAlert[], batch: EventBatch): void {
    const [first] = undelivered;
    this.#options.logger.log('warn', 'Alerts could not be delivered to webhooks', {
      count: undelivered.length,
      partition: batch.partition,
      webhook: first?.webhook,
      reason: first?.reason,
      detail: first?.detail,
    });
  }
}
