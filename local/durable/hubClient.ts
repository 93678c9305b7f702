// What clients may ask of the hub. Every answer tells of what is on disk: it survives a crash.
import type { Clock, Logger, Random } from '../../shared/base/index.js';
import type { DurableFunctions } from './durableFunctions.js';
import { instanceIdProblem, keyProblem, schedulerIdOf } from './entityIds.js';
import type { FaultSwitches } from './faults.js';
import { type EventTypeName, type HistoryEvent, historyEvent, isEvent } from './historyEvents.js';
import {
  type Change,
  type Entity,
  type EntityRequest,
  type Instance,
  isRunning,
  type RuntimeStatus,
} from './hubState.js';
import type { HubStore } from './hubStore.js';
import { type InstanceFilter, isPurgeable, matches } from './instanceQuery.js';

export interface HubClientOptions {
  readonly store: HubStore;
  readonly functions: DurableFunctions;
  readonly faults: FaultSwitches;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

export interface StartRequest {
  readonly name: string;
  readonly instanceId?: string;
  readonly version?: string;
  /** JSON text. */
  readonly input: string | null;
}

export type StartResult =
  | { readonly kind: 'started'; readonly instanceId: string }
  /** An instance with this id has not ended yet. */
  | { readonly kind: 'exists'; readonly status: RuntimeStatus }
  | { readonly kind: 'refused'; readonly message: string };

export type SendResult = 'accepted' | 'notFound' | 'ended';
export type RaiseResult = SendResult | 'reservedName';

/** The form of the ids of entity calls. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class HubClient {
  constructor(private readonly options: HubClientOptions) {}

  async start({ name, instanceId, version, input }: StartRequest): Promise<StartResult> {
    const { store, functions, clock, random } = this.options;
    const knownName = functions.nameOf('orchestrator', name);
    if (knownName === undefined) {
      const message = `The function '${name}' doesn't exist, is disabled, or is not an orchestrator function.`;
      return { kind: 'refused', message };
    }
    const id = instanceId ?? random.uuid().replaceAll('-', '');
    const problem = instanceIdProblem(id);
    if (problem !== undefined) return { kind: 'refused', message: problem };
    // Checked and created without a pause in between: of two starts at once, one finds the other's.
    const found = store.hub.instances.get(id);
    if (found !== undefined && isRunning(found)) return { kind: 'exists', status: found.status };
    const seed = {
      instanceId: id,
      executionId: random.uuid().replaceAll('-', ''),
      name: knownName,
      version: version ?? null,
      input,
      parent: null,
      createdMs: clock.nowMs(),
    };
    await store.commit([{ kind: 'instanceStarted', seed }]);
    return { kind: 'started', instanceId: id };
  }

  async instance(instanceId: string): Promise<Instance | undefined> {
    const instance = this.options.store.hub.instances.get(instanceId);
    await this.options.store.settled();
    return instance;
  }

  /** In the order of their ids. */
  async instances(filter: InstanceFilter): Promise<readonly Instance[]> {
    const { store } = this.options;
    const found = [...store.hub.instances.values()].filter((instance) => matches(instance, filter));
    await store.settled();
    return found.sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
  }

  /** @param input JSON text */
  async raiseEvent(instanceId: string, name: string, input: string | null): Promise<RaiseResult> {
    const instance = this.options.store.hub.instances.get(instanceId);
    // The library keeps events and tasks under one kind of key: such an event would complete a task.
    if (/^\d+$/.test(name) || (uuid.test(name) && instance?.history.some((event) => isRequest(event, name))))
      return 'reservedName';
    return this.#send(instanceId, 'eventRaised', { Name: name, Input: input });
  }

  terminate(instanceId: string, reason: string): Promise<SendResult> {
    return this.#send(instanceId, 'executionTerminated', { Input: JSON.stringify(reason) });
  }

  suspend(instanceId: string, reason: string): Promise<SendResult> {
    return this.#send(instanceId, 'executionSuspended', { Reason: reason, Details: '' });
  }

  resume(instanceId: string, reason: string): Promise<SendResult> {
    return this.#send(instanceId, 'executionResumed', { Reason: reason, Details: '' });
  }

  /** Only what has ended. @returns the number of instances removed */
  async purge(ids: readonly string[] | undefined, filter: InstanceFilter = {}): Promise<number> {
    const { store } = this.options;
    const candidates =
      ids === undefined
        ? [...store.hub.instances.values()]
        : ids.flatMap((id) => store.hub.instances.get(id) ?? []);
    const purged = candidates.filter((instance) => isPurgeable(instance, filter));
    await store.commit(purged.map(({ instanceId }): Change => ({ kind: 'instancePurged', instanceId })));
    return purged.length;
  }

  /**
   * At least once, in no order that could be relied on: that is what clients are promised.
   * @param input JSON text
   * @returns why it is refused; undefined when it was accepted
   */
  async signal(
    name: string,
    key: string,
    operation: string,
    input: string | null,
  ): Promise<string | undefined> {
    const { store, functions, faults, clock, random } = this.options;
    if (functions.nameOf('entity', name) === undefined) {
      return `The function '${name}' doesn't exist, is disabled, or is not an entity function.`;
    }
    const problem = keyProblem(key);
    if (problem !== undefined) return problem;
    const entityId = schedulerIdOf(name, key);
    const requestId = random.uuid();
    const request: EntityRequest = {
      kind: 'operation',
      name: operation,
      input,
      isSignal: true,
      requestId,
      sender: null,
    };
    const copies = faults.nextSignal().delaysMs.map((delayMs, copy): Change => {
      if (delayMs === 0) return { kind: 'requestSent', entityId, request };
      const target = { kind: 'request', entityId, request } as const;
      const timer = { key: `${requestId}/${copy}`, dueMs: clock.nowMs() + delayMs, target };
      return { kind: 'timerSet', timer };
    });
    await store.commit(copies);
    return undefined;
  }

  /** @returns undefined when it does not exist */
  async entity(name: string, key: string): Promise<Entity | undefined> {
    const { store } = this.options;
    const entity = store.hub.entities.get(schedulerIdOf(name, key));
    await store.settled();
    return entity?.exists === true ? entity : undefined;
  }

  /** @param name of one kind of entity; undefined for all */
  async entities(name: string | undefined): Promise<readonly Entity[]> {
    const { store } = this.options;
    const found = [...store.hub.entities.values()].filter(
      (entity) => entity.exists && (name === undefined || entity.name === name.toLowerCase()),
    );
    await store.settled();
    return found;
  }

  async #send(
    instanceId: string,
    type: EventTypeName,
    fields: Parameters<typeof historyEvent>[2],
  ): Promise<SendResult> {
    const { store, clock } = this.options;
    const instance = store.hub.instances.get(instanceId);
    if (instance === undefined) return 'notFound';
    if (!isRunning(instance)) return 'ended';
    const event = historyEvent(type, clock.nowMs(), fields);
    await store.commit([{ kind: 'eventSent', instanceId, executionId: null, event }]);
    return 'accepted';
  }
}

function isRequest(event: HistoryEvent, id: string): boolean {
  return isEvent(event, 'eventSent') && (JSON.parse(event.Input ?? '{}') as { id?: string }).id === id;
}
