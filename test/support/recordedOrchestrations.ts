// What orchestrations did in a Durable backend, turn by turn, read from its log; and the same turns once more, with the code of today.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type { InvocationContext } from '@azure/functions';
import { eventTypes, type HistoryEvent, historyEvent } from '../../local/durable/historyEvents.js';
import { applyChange } from '../../local/durable/hubChanges.js';
import { type Change, type Consumed, emptyHub, type HubState } from '../../local/durable/hubState.js';
import { openLogFolder } from '../../local/durable/logDisk.js';
import { RecordLog } from '../../local/durable/recordLog.js';
import { loadApp } from '../../local/host/appLoader.js';
import { installCoreModule } from '../../local/host/coreModule.js';

/** One generation of an orchestration. */
export interface RecordedOrchestration {
  readonly name: string;
  readonly instanceId: string;
  /** JSON text. */
  readonly input: string | null;
  readonly history: readonly HistoryEvent[];
  readonly end: RecordedEnd;
}

export type RecordedEnd =
  /** JSON texts. */
  | { readonly kind: 'continuedAsNew'; readonly input: string | null }
  | { readonly kind: 'completed'; readonly output: string | null }
  | { readonly kind: 'failed' }
  /** When the recording ended. */
  | { readonly kind: 'running' };

/** @param folder of a backend that has been stopped or killed; its log must not have been compacted */
export async function readRecordedOrchestrations(folder: string): Promise<RecordedOrchestration[]> {
  const hub = emptyHub();
  const recorded: RecordedOrchestration[] = [];
  const log = await RecordLog.open<readonly Change[]>({
    disk: await openLogFolder(folder),
    replay: (changes) => {
      for (const change of changes) {
        if (change.kind === 'instanceContinued') recorded.push(continued(hub, change));
        applyChange(hub, change);
        if (change.kind === 'instanceTurn') recorded.push(...ended(hub, change.instanceId));
      }
    },
    snapshot: () => [],
  });
  await log.close();
  const running = [...hub.instances.values()].filter(({ status }) => !isEnded(status));
  return [
    ...recorded,
    ...running.map((instance) => ({ ...factsOf(instance), end: { kind: 'running' as const } })),
  ];
}

/** The log says which messages the last turn took, not what it made of them: the history goes on with these. */
function continued(
  hub: HubState,
  change: Extract<Change, { kind: 'instanceContinued' }>,
): RecordedOrchestration {
  const instance = hub.instances.get(change.instanceId)!;
  const isOurs = (executionId: string | null) => executionId === null || executionId === instance.executionId;
  const taken = instance.inbox.filter(
    ({ number, executionId }) => isOurs(executionId) && isConsumed(number, change.consumed),
  );
  const history = [
    ...instance.history,
    historyEvent('orchestratorStarted', change.atMs),
    ...taken.map(({ event }) => event),
  ];
  return { ...factsOf(instance), history, end: { kind: 'continuedAsNew', input: change.input } };
}

function isConsumed(number: number, { upTo, except }: Consumed): boolean {
  return number <= upTo && !except.includes(number);
}

function ended(hub: HubState, instanceId: string): RecordedOrchestration[] {
  const instance = hub.instances.get(instanceId)!;
  if (!isEnded(instance.status)) return [];
  const end: RecordedEnd =
    instance.status === 'Completed' ? { kind: 'completed', output: instance.output } : { kind: 'failed' };
  return [{ ...factsOf(instance), end }];
}

function factsOf({ name, instanceId, input, history }: Omit<RecordedOrchestration, 'end'>) {
  return { name, instanceId, input, history: [...history] };
}

function isEnded(status: string): boolean {
  return status === 'Completed' || status === 'Failed' || status === 'Terminated';
}

interface Action {
  readonly actionType: number;
  readonly functionName?: string;
  readonly instanceId?: string;
  readonly input?: unknown;
  readonly compoundActions?: readonly Action[];
}

interface Answer {
  readonly isDone: boolean;
  readonly actions: readonly (readonly Action[])[];
  readonly output?: unknown;
}

type Orchestrator = (trigger: unknown, context: InvocationContext) => Promise<Answer>;

const continueAsNewType = 4;
const scheduledTypes: ReadonlySet<number> = new Set([
  eventTypes.taskScheduled,
  eventTypes.subOrchestrationCreated,
  eventTypes.timerCreated,
  eventTypes.eventSent,
]);
/** Written by the host at the end of a turn. */
const closingTypes: ReadonlySet<number> = new Set([
  ...scheduledTypes,
  eventTypes.orchestratorCompleted,
  eventTypes.executionCompleted,
  eventTypes.executionFailed,
]);

/** The project's orchestrators as the unmodified library registers them. Once per process. */
export async function loadOrchestrators(appFolder: string): Promise<ReadonlyMap<string, Orchestrator>> {
  const registry = installCoreModule(() => {});
  const { functions } = await loadApp(appFolder, registry);
  return new Map(
    functions
      .filter(({ metadata }) =>
        Object.values(metadata.bindings).some(({ type }) => type === 'orchestrationTrigger'),
      )
      .map(({ metadata, callback }) => [metadata.name, callback as unknown as Orchestrator]),
  );
}

/**
 * Every turn from its whole history, as the host has it replayed: it must ask for what it asked for then, in that order, and end as
 * it ended then.
 * @returns number of turns
 */
export async function replayRecorded(
  orchestrator: Orchestrator,
  recorded: RecordedOrchestration,
): Promise<number> {
  const { history, end, name } = recorded;
  const starts = history.flatMap(({ EventType }, at) =>
    EventType === eventTypes.orchestratorStarted ? [at] : [],
  );
  let answer: Answer | undefined;
  for (const [turn, start] of starts.entries()) {
    const next = starts[turn + 1] ?? history.length;
    const events = history.slice(start, next);
    const given = [
      ...history.slice(0, start),
      ...events.filter(({ EventType }) => !closingTypes.has(EventType)),
    ];
    answer = await run(orchestrator, recorded, given);
    const isLast = turn === starts.length - 1;
    if (!isLast) assert.equal(answer.isDone, false, `${name}, turn ${turn}: it has ended`);
    // What the last turn before continueAsNew scheduled is in no history.
    if (isLast && end.kind === 'continuedAsNew') continue;
    const then = history.slice(0, next).filter(({ EventType }) => scheduledTypes.has(EventType));
    assertAskedFor(askedIn(answer), namesOf(then), history.slice(0, next), `${name}, turn ${turn}`);
  }
  assertEnd(answer, recorded);
  return starts.length;
}

function run(
  orchestrator: Orchestrator,
  { name, instanceId, input }: RecordedOrchestration,
  history: readonly HistoryEvent[],
) {
  const trigger = {
    history,
    input: input === null ? null : JSON.parse(input),
    instanceId,
    isReplaying: false,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: '36500.00:00:00',
    maximumShortTimerDuration: '36500.00:00:00',
  };
  // The library changes what it is given.
  return orchestrator(structuredClone(trigger), new InvocationContextClass({ functionName: name }));
}

// Outside of a host the library's classes are reachable this way only.
const { InvocationContext: InvocationContextClass } = createRequire(import.meta.url)('@azure/functions') as {
  readonly InvocationContext: typeof InvocationContext;
};

function askedIn({ actions }: Answer): string[] {
  const open = (action: Action): Action[] => action.compoundActions?.flatMap(open) ?? [action];
  return actions
    .flat()
    .flatMap(open)
    .filter(({ actionType }) => actionType !== continueAsNewType)
    .map(({ functionName, instanceId }) => functionName ?? instanceId?.toLowerCase() ?? 'timer');
}

/** In the order of their numbers. */
function namesOf(scheduled: readonly HistoryEvent[]): string[] {
  return [...scheduled]
    .sort((one, other) => one.EventId - other.EventId)
    .map(({ EventType, Name, InstanceId }) => {
      if (EventType === eventTypes.timerCreated) return 'timer';
      return EventType === eventTypes.eventSent ? (InstanceId?.toLowerCase() ?? '') : (Name ?? '');
    });
}

/** After a failure the history also has attempts, and the pauses before them, that the code did not ask for by itself. */
function assertAskedFor(
  asked: readonly string[],
  scheduled: readonly string[],
  history: readonly HistoryEvent[],
  where: string,
): void {
  if (!history.some(({ EventType }) => EventType === eventTypes.taskFailed)) {
    assert.deepEqual(asked, scheduled, where);
    return;
  }
  let at = 0;
  for (const name of scheduled) if (name === asked[at]) at++;
  assert.equal(at, asked.length, `${where}: it asked for ${asked[at]} instead`);
}

function assertEnd(answer: Answer | undefined, { name, end }: RecordedOrchestration): void {
  if (end.kind === 'failed') return;
  assert.equal(answer?.isDone ?? false, end.kind !== 'running', `${name}: ${end.kind}`);
  if (end.kind === 'completed') {
    assert.deepEqual(answer?.output ?? null, end.output === null ? null : JSON.parse(end.output), name);
  }
  if (end.kind === 'continuedAsNew') {
    const last = answer?.actions.flat().at(-1);
    assert.equal(last?.actionType, continueAsNewType, name);
    assert.deepEqual(last?.input ?? null, end.input === null ? null : JSON.parse(end.input), name);
  }
}
