// Runs the turns of orchestrations: takes what waits in an inbox, lets the function replay, commits what follows.
import { type Clock, describeError, type Logger, type Random } from '../../shared/base/index.js';
import type { DurableFunctions } from './durableFunctions.js';
import { type HistoryEvent, isEvent } from './historyEvents.js';
import { type Change, type Instance, isRunning } from './hubState.js';
import type { HubStore } from './hubStore.js';
import { consumedOf, type Intake, takeFromInbox } from './inbox.js';
import { changesOfControl, changesOfTurn, historyForTurn, type TurnResult } from './orchestrationTurn.js';
import {
  type OrchestratorAnswer,
  orchestratorPayload,
  readAnswer,
  readFailure,
} from './orchestratorProtocol.js';
import type { TurnSurroundings } from './taskSchedule.js';

export interface TurnRunnerOptions {
  readonly store: HubStore;
  readonly functions: DurableFunctions;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

type EventIntake = Extract<Intake, { kind: 'events' }>;

export class OrchestrationRunner {
  constructor(private readonly options: TurnRunnerOptions) {}

  /** One turn. */
  async run(instanceId: string): Promise<void> {
    const { store, clock } = this.options;
    const instance = store.hub.instances.get(instanceId);
    if (instance === undefined || !isRunning(instance)) return;
    const intake = takeFromInbox(instance);
    if (intake.kind === 'nothing') return;
    if (intake.kind === 'control') {
      await store.commit(changesOfControl(instance, intake.event, intake.consumed, clock.nowMs()));
      return;
    }
    await store.commit(await this.#turn(instance, intake));
  }

  async #turn(instance: Instance, intake: EventIntake): Promise<Change[]> {
    const nowMs = this.options.clock.nowMs();
    const around = this.#surroundings(nowMs);
    const result = await this.#result(instance, intake, nowMs);
    try {
      return changesOfTurn(instance, result, around);
    } catch (error) {
      // An action this backend cannot carry out; the instance would never end otherwise.
      const answer = readFailure(error);
      return changesOfTurn(instance, { ...result, answer }, around);
    }
  }

  async #result(instance: Instance, intake: EventIntake, nowMs: number): Promise<TurnResult> {
    const { events, messages, consumed } = intake;
    const answer = await this.#answer(instance, events, nowMs);
    const mayCarryOver = messages.some(
      ({ event, executionId }) => executionId === null && isEvent(event, 'eventRaised'),
    );
    if (answer.kind !== 'continuedAsNew' || !mayCarryOver) return { events, consumed, answer };
    // Events that came after the one that led to continueAsNew belong to the next execution.
    const count = await this.#neededCount(instance, events, nowMs);
    return { events: events.slice(0, count), consumed: consumedOf(messages, count), answer };
  }

  /** The orchestrator is deterministic, so the fewest events that lead to continueAsNew can be searched for. */
  async #neededCount(instance: Instance, events: readonly HistoryEvent[], nowMs: number): Promise<number> {
    let low = 1;
    let high = events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const answer = await this.#answer(instance, events.slice(0, middle), nowMs);
      if (answer.kind === 'continuedAsNew') high = middle;
      else low = middle + 1;
    }
    return low;
  }

  async #answer(
    instance: Instance,
    events: readonly HistoryEvent[],
    nowMs: number,
  ): Promise<OrchestratorAnswer> {
    const { functions, logger } = this.options;
    const { instanceId, input, parent, name } = instance;
    if (functions.nameOf('orchestrator', name) === undefined) {
      return readFailure(new Error(`The app has no orchestrator function '${name}'.`));
    }
    const outcome = await functions.run({
      kind: 'orchestrator',
      name,
      instanceId,
      input: orchestratorPayload({
        instanceId,
        parentInstanceId: parent?.instanceId ?? null,
        input,
        history: historyForTurn(instance, events, nowMs),
      }),
    });
    try {
      if (outcome.kind === 'returned') return readAnswer(outcome.value);
      if (outcome.kind === 'timedOut') return readFailure(new Error(outcome.message));
      return readFailure(outcome.error);
    } catch (error) {
      logger.log('error', `Orchestration ${instanceId}: ${describeError(error)}`);
      return readFailure(error);
    }
  }

  #surroundings(nowMs: number): TurnSurroundings {
    const { store, functions, random } = this.options;
    return {
      hub: store.hub,
      nowMs,
      newId: () => random.uuid(),
      hasFunction: (kind, name) => functions.nameOf(kind, name) !== undefined,
    };
  }
}
