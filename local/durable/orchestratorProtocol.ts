// Pure. What an orchestrator function is given and what it answers. (Durable contract, sections 2.1, 2.3 and 2.4.)
import { parseSchedulerId, schedulerIdOf } from './entityIds.js';
import type { HistoryEvent } from './historyEvents.js';

export interface RetryOptions {
  readonly firstRetryIntervalInMilliseconds: number;
  readonly maxNumberOfAttempts: number;
  readonly backoffCoefficient?: number;
  readonly maxRetryIntervalInMilliseconds?: number;
  readonly retryTimeoutInMilliseconds?: number;
}

/** Values of users as JSON texts; null for none. */
export type Action =
  | {
      readonly kind: 'activity';
      readonly name: string;
      readonly input: string | null;
      readonly retry?: RetryOptions;
    }
  | {
      readonly kind: 'subOrchestration';
      readonly name: string;
      readonly instanceId: string | null;
      readonly version: string | null;
      readonly input: string | null;
      readonly retry?: RetryOptions;
    }
  | { readonly kind: 'timer'; readonly fireAtMs: number; readonly isCanceled: boolean }
  | { readonly kind: 'externalEvent' }
  | {
      readonly kind: 'callEntity' | 'signalEntity';
      readonly entityId: string;
      readonly operation: string;
      readonly input: string | null;
    }
  | { readonly kind: 'lock'; readonly requestId: string; readonly entityIds: readonly string[] }
  | { readonly kind: 'release' };

export type OrchestratorAnswer =
  | { readonly kind: 'waiting'; readonly actions: readonly Action[]; readonly customStatus?: unknown }
  | {
      readonly kind: 'completed';
      readonly actions: readonly Action[];
      readonly customStatus?: unknown;
      readonly output: string | null;
    }
  | {
      readonly kind: 'continuedAsNew';
      readonly actions: readonly Action[];
      readonly customStatus?: unknown;
      readonly input: string | null;
    }
  | {
      readonly kind: 'failed';
      readonly actions: readonly Action[];
      readonly customStatus?: unknown;
      readonly error: string;
    };

export interface OrchestratorInput {
  readonly instanceId: string;
  readonly parentInstanceId: string | null;
  readonly input: string | null;
  readonly history: readonly HistoryEvent[];
}

/** Schema 3 (the library's V4) brings locks; the huge intervals keep it from splitting long timers. */
export function orchestratorPayload({
  instanceId,
  parentInstanceId,
  input,
  history,
}: OrchestratorInput): string {
  return JSON.stringify({
    history,
    input: input === null ? null : JSON.parse(input),
    instanceId,
    isReplaying: false,
    parentInstanceId,
    upperSchemaVersion: 1,
    upperSchemaVersionNew: 3,
    longRunningTimerIntervalDuration: '36500.00:00:00',
    maximumShortTimerDuration: '36500.00:00:00',
    defaultHttpAsyncRequestSleepTimeMillseconds: 30_000,
  });
}

interface RawAnswer {
  readonly isDone?: boolean;
  readonly actions?: readonly (readonly RawAction[])[];
  readonly output?: unknown;
  readonly error?: string;
  readonly customStatus?: unknown;
}

interface RawAction {
  readonly actionType: number;
  readonly functionName?: string;
  readonly instanceId?: string | null;
  readonly version?: string | null;
  readonly operation?: string;
  readonly input?: unknown;
  readonly retryOptions?: RetryOptions;
  readonly fireAt?: string;
  readonly isCanceled?: boolean;
  readonly compoundActions?: readonly RawAction[];
  readonly lockRequestId?: string;
  readonly lockSet?: readonly { readonly name: string; readonly key: string }[];
}

const continueAsNewType = 4;
const failureMark = '$OutOfProcData$:';

/** @param value what the function returned, parsed */
export function readAnswer(value: unknown): OrchestratorAnswer {
  const raw = (value ?? {}) as RawAnswer;
  const flat = (raw.actions ?? []).flat();
  const last = flat.at(-1);
  const shared = {
    actions: flat.flatMap(readAction),
    ...(raw.customStatus === undefined ? {} : { customStatus: raw.customStatus }),
  };
  if (raw.isDone !== true) return { kind: 'waiting', ...shared };
  if (last?.actionType === continueAsNewType) {
    return { kind: 'continuedAsNew', input: jsonText(onceEncoded(last.input)), ...shared };
  }
  return { kind: 'completed', output: jsonText(raw.output), ...shared };
}

/** @param error what the function threw */
export function readFailure(error: unknown): Extract<OrchestratorAnswer, { kind: 'failed' }> {
  const message = error instanceof Error ? error.message : String(error);
  const at = message.indexOf(failureMark);
  // Without the mark it is no failure of the orchestration's own code, but of its replay.
  if (at < 0) return { kind: 'failed', actions: [], error: message };
  const raw = JSON.parse(message.slice(at + failureMark.length)) as RawAnswer;
  return {
    kind: 'failed',
    actions: (raw.actions ?? []).flat().flatMap(readAction),
    // The library leaves `error` out when what was thrown is no Error.
    error: raw.error ?? 'A value that is no Error was thrown.',
    ...(raw.customStatus === undefined ? {} : { customStatus: raw.customStatus }),
  };
}

function readAction(raw: RawAction): Action[] {
  const { functionName: name = '', input } = raw;
  const retry = raw.retryOptions === undefined ? {} : { retry: raw.retryOptions };
  switch (raw.actionType) {
    case 0:
    case 1:
      return [{ kind: 'activity', name, input: jsonText(onceEncoded(input)), ...retry }];
    case 2:
    case 3: {
      const { instanceId = null, version = null } = raw;
      return [{ kind: 'subOrchestration', name, instanceId, version, input: jsonText(input), ...retry }];
    }
    case continueAsNewType:
      return [];
    case 5:
      return [{ kind: 'timer', fireAtMs: Date.parse(raw.fireAt ?? ''), isCanceled: raw.isCanceled === true }];
    case 6:
      return [{ kind: 'externalEvent' }];
    case 7:
      return [entityAction('callEntity', raw)];
    case 9:
      return [entityAction('signalEntity', raw)];
    case 11:
    case 12:
      return (raw.compoundActions ?? []).flatMap(readAction);
    case 13:
      return [lockAction(raw)];
    case 14:
      return [{ kind: 'release' }];
    case 8:
      throw new Error(
        'callHttp is not supported by the local Durable backend. Call an activity that does it.',
      );
    default:
      throw new Error(`Action type ${raw.actionType} is not supported by the local Durable backend.`);
  }
}

function entityAction(
  kind: 'callEntity' | 'signalEntity',
  { instanceId, operation = '', input }: RawAction,
): Action {
  const id = parseSchedulerId(instanceId ?? '');
  if (id === undefined) throw new Error(`"${instanceId}" is no entity id.`);
  return { kind, entityId: schedulerIdOf(id.name, id.key), operation, input: jsonText(input) };
}

function lockAction({ lockRequestId = '', lockSet = [] }: RawAction): Action {
  const entityIds = lockSet.map(({ name, key }) => schedulerIdOf(name, key));
  return { kind: 'lock', requestId: lockRequestId, entityIds };
}

/** The library encodes the texts given to activities and to continueAsNew twice, and nothing else. */
function onceEncoded(input: unknown): unknown {
  return typeof input === 'string' ? JSON.parse(input) : input;
}

function jsonText(value: unknown): string | null {
  return JSON.stringify(value) ?? null;
}
