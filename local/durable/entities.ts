// Runs the turns of entities: one batch of operations at a time for each entity, its result committed with all it sends.
import { backoffMs, describeError } from '../../shared/base/index.js';
import {
  changesOfEntityTurn,
  changesOfMessages,
  type EntityAnswer,
  type EntityIntake,
  entityPayload,
  failedBatch,
  takeRequests,
} from './entityTurn.js';
import type { FaultSwitches } from './faults.js';
import { type Entity, isCurrent } from './hubState.js';
import type { TurnRunnerOptions } from './orchestrations.js';

/** The real host's default outside of the Consumption plan. */
const maxOperationCount = 5_000;
const redelivery = { initialMs: 50, maximumMs: 30_000 };

export interface EntityRunnerOptions extends TurnRunnerOptions {
  readonly faults: FaultSwitches;
  /** Ends the wait before a batch is delivered again. */
  readonly stopped: AbortSignal;
}

export class EntityRunner {
  constructor(private readonly options: EntityRunnerOptions) {}

  /** One turn. */
  async run(entityId: string): Promise<void> {
    while (!this.options.stopped.aborted) if ((await this.#turn(entityId)) !== 'runAgain') return;
  }

  async #turn(entityId: string): Promise<'runAgain' | undefined> {
    const { store, clock, random } = this.options;
    const entity = store.hub.entities.get(entityId);
    if (entity === undefined) return undefined;
    const intake = takeRequests(entity, {
      maxOperationCount,
      nowMs: clock.nowMs(),
      isCurrent: (execution) => isCurrent(store.hub, execution),
    });
    if (intake === undefined) return undefined;
    const answer = await this.#answer(entityId, entity, intake);
    if (answer === undefined || answer === 'runAgain') return answer;
    const around = { nowMs: clock.nowMs(), newId: () => random.uuid() };
    await store.commit(changesOfEntityTurn(entity, intake, answer, around));
    return undefined;
  }

  /** @returns undefined when the host stops before the batch could be run */
  async #answer(
    entityId: string,
    entity: Entity,
    intake: EntityIntake,
  ): Promise<EntityAnswer | 'runAgain' | undefined> {
    const { operations } = intake;
    if (operations.length === 0) return failedBatch(entity, 0, '');
    const { functions, logger, clock, random, stopped } = this.options;
    if (functions.nameOf('entity', entity.name) === undefined) {
      logger.log(
        'error',
        `${operations.length} operations of ${entityId} fail: there is no such entity function.`,
      );
      return failedBatch(entity, operations.length, `The app has no entity function '${entity.name}'.`);
    }
    let failureCount = 0;
    while (!stopped.aborted) {
      const answer = await this.#attempt(entityId, entity, intake);
      if (answer !== 'failed') return answer;
      await clock.sleep(backoffMs(failureCount++, random.next(), redelivery), stopped);
    }
    return undefined;
  }

  async #attempt(
    entityId: string,
    entity: Entity,
    intake: EntityIntake,
  ): Promise<EntityAnswer | 'failed' | 'runAgain'> {
    const { functions, faults, logger, store, clock, random } = this.options;
    const { operations } = intake;
    const outcome = await functions.run({
      kind: 'entity',
      name: entity.name,
      input: entityPayload(entity, operations),
      instanceId: entityId,
    });
    if (outcome.kind === 'timedOut') return failedBatch(entity, operations.length, outcome.message);
    if (outcome.kind === 'threw') {
      const why = describeError(outcome.error);
      logger.log('warn', `A batch of ${operations.length} operations of ${entityId} comes again: ${why}`);
      return 'failed';
    }
    const answer = outcome.value as EntityAnswer;
    const fault = faults.nextEntityBatch();
    if (fault === 'none') return answer;
    if (fault === 'rerunAfterSending') {
      const around = { nowMs: clock.nowMs(), newId: () => random.uuid() };
      await store.commit(changesOfMessages(intake, answer, around));
    }
    logger.log('debug', `Fault: a batch of ${operations.length} operations of ${entityId} runs again.`);
    return 'runAgain';
  }
}
