// Functions for the backend that run in this process: orchestrators through the unmodified library's own engine, the rest
// as they are given.
import { createRequire } from 'node:module';
import type { DurableFunctions, FunctionCall, FunctionOutcome } from '../../../local/durable/index.js';
import type { FunctionKind } from '../../../local/durable/taskSchedule.js';

/** What these tests use of `context.df`. */
export interface OrchestrationContext {
  readonly df: {
    readonly instanceId: string;
    readonly currentUtcDateTime: Date;
    readonly Task: { all(tasks: readonly unknown[]): unknown; any(tasks: readonly unknown[]): unknown };
    getInput(): unknown;
    callActivity(name: string, input: unknown): unknown;
    callActivityWithRetry(name: string, options: object, input: unknown): unknown;
    callSubOrchestrator(name: string, input: unknown, instanceId?: string): unknown;
    callHttp(options: object): unknown;
    waitForExternalEvent(name: string): unknown;
    callSubOrchestratorWithRetry(name: string, options: object, input: unknown): unknown;
    callEntity(id: object, operation: string, input: unknown): unknown;
    signalEntity(id: object, operation: string, input: unknown): void;
    createTimer(at: Date): unknown;
    continueAsNew(input: unknown): void;
  };
}

// Any value may come back from a yield: what it is depends on the task.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type OrchestratorFunction = (context: OrchestrationContext) => Generator<unknown, unknown, any>;

const require = createRequire(import.meta.url);
/** The class behind `df.app.orchestration`; it has no public door that works without a host. */
const { Orchestrator } = require('durable-functions/lib/src/orchestrations/Orchestrator.js') as {
  Orchestrator: new (
    fn: OrchestratorFunction,
  ) => {
    handle(trigger: unknown, context: object): Promise<unknown>;
  };
};
export const { RetryOptions, EntityId } = require('durable-functions') as {
  RetryOptions: new (firstIntervalMs: number, maxAttempts: number) => object;
  EntityId: new (name: string, key: string) => object;
};

export interface SdkFunctionsOptions {
  readonly orchestrators: Readonly<Record<string, OrchestratorFunction>>;
  /** By lower-case name; given and giving JSON values. */
  readonly activities?: Readonly<Record<string, (input: unknown) => unknown>>;
  readonly entities?: Readonly<Record<string, (payload: unknown) => unknown>>;
  /** Waited for before an activity ends. */
  readonly pause?: () => Promise<void>;
}

export class SdkFunctions implements DurableFunctions {
  constructor(private readonly options: SdkFunctionsOptions) {}

  nameOf(kind: FunctionKind, name: string): string | undefined {
    const { orchestrators, activities = {}, entities = {} } = this.options;
    const known = { orchestrator: orchestrators, activity: activities, entity: entities }[kind];
    return name in known ? name : undefined;
  }

  async run(call: FunctionCall): Promise<FunctionOutcome> {
    try {
      const input: unknown = call.input === null ? undefined : JSON.parse(call.input);
      const value = await this.#value(call, input);
      return { kind: 'returned', value: value === undefined ? undefined : JSON.parse(JSON.stringify(value)) };
    } catch (error) {
      return { kind: 'threw', error };
    }
  }

  async #value({ kind, name }: FunctionCall, input: unknown): Promise<unknown> {
    const { orchestrators, activities = {}, entities = {}, pause } = this.options;
    if (kind === 'orchestrator') return new Orchestrator(orchestrators[name]!).handle(input, {});
    if (kind === 'entity') return entities[name]!(input);
    await pause?.();
    return activities[name]!(input);
  }
}
