// Joins the backend to the Functions host: its three triggers, the client input and the HTTP API.
import { type Clock, type Logger, type Random, TributaryError } from '../../shared/base/index.js';
import type { RegisteredFunction, TypedData } from '../host/coreTypes.js';
import type { HttpServer } from '../host/httpServer.js';
import type { InvocationInput, InvocationResult } from '../host/invocation.js';
import type { HostServices, TriggerListener, TriggerSource } from '../host/triggerListener.js';
import { waitAtMost } from '../host/waitAtMost.js';
import { clientBindingValue } from './clientBinding.js';
import type { DurableFunctions, FunctionCall, FunctionOutcome } from './durableFunctions.js';
import { DurableHub } from './durableHub.js';
import type { DurableFaults } from './faults.js';
import { addDurableApi } from './httpApi.js';
import type { HubClient } from './hubClient.js';
import { readFailure } from './orchestratorProtocol.js';
import { repeatedActionProblem } from './repeatedActions.js';
import type { FunctionKind } from './taskSchedule.js';

export interface DurableBackendOptions {
  readonly dataFolder: string;
  readonly faults?: DurableFaults;
  readonly http: HttpServer;
  readonly invoke: (registered: RegisteredFunction, bind: () => InvocationInput) => Promise<InvocationResult>;
  readonly drainTimeoutMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

const kindOfTrigger: Readonly<Record<string, FunctionKind>> = {
  orchestrationtrigger: 'orchestrator',
  entitytrigger: 'entity',
  activitytrigger: 'activity',
};

/** One for each host. Does nothing before it is started or first asked. */
export class DurableBackend implements DurableFunctions {
  readonly #functions = new Map<
    string,
    { readonly kind: FunctionKind; readonly registered: RegisteredFunction }
  >();
  #started: Promise<DurableHub> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(private readonly options: DurableBackendOptions) {
    addDurableApi(options.http, () => this.#client());
  }

  /** A function with one of the three triggers; all before the start. */
  add(registered: RegisteredFunction, triggerType: string): void {
    const kind = kindOfTrigger[triggerType.toLowerCase()]!;
    const { name } = registered.metadata;
    this.#functions.set(name.toLowerCase(), { kind, registered });
  }

  /** The value of a `durableClient` input. */
  clientInput(): TypedData {
    return { string: clientBindingValue(this.options.http.url) };
  }

  /** @throws TributaryError LOCAL_STATE_MISMATCH, LOCAL_START_FAILED */
  async start(): Promise<void> {
    await this.#hub();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  nameOf(kind: FunctionKind, name: string): string | undefined {
    const found = this.#functions.get(name.toLowerCase());
    return found?.kind === kind ? found.registered.metadata.name : undefined;
  }

  async run(call: FunctionCall): Promise<FunctionOutcome> {
    const found = this.#functions.get(call.name.toLowerCase());
    if (found?.kind !== call.kind) {
      return { kind: 'threw', error: new Error(`The app has no ${call.kind} function '${call.name}'.`) };
    }
    const registered = call.kind === 'orchestrator' ? asOrchestrator(found.registered) : found.registered;
    const result = await this.options.invoke(registered, () => inputOf(call));
    return outcomeOf(result);
  }

  async #client(): Promise<HubClient> {
    return (await this.#hub()).client;
  }

  #hub(): Promise<DurableHub> {
    if (this.#stopped !== undefined) {
      return Promise.reject(
        new TributaryError('LOCAL_SERVICE_ENDED', 'The Durable backend has been stopped.'),
      );
    }
    const { dataFolder: data, faults, logger, clock, random } = this.options;
    this.#started ??= DurableHub.start({
      data,
      functions: this,
      logger,
      clock,
      random,
      ...(faults === undefined ? {} : { faults }),
    });
    return this.#started;
  }

  async #stop(): Promise<void> {
    if (this.#started === undefined) return;
    const [result] = await Promise.allSettled([this.#started]);
    // One that did not start has nothing to stop.
    if (result.status === 'rejected') return;
    const { drainTimeoutMs, clock } = this.options;
    await result.value.stop((work) => waitAtMost(work, drainTimeoutMs, clock));
  }
}

/** For the three Durable triggers; they share one backend, which the first of them starts. */
export function createDurableListener(source: TriggerSource, { durable }: HostServices): TriggerListener {
  durable.add(source.registered, source.binding.type);
  return { start: () => durable.start(), stop: () => durable.stop() };
}

/** Client inputs are found under either type. */
export function isDurableClient(bindingType: string): boolean {
  return /^(durableClient|orchestrationClient)$/i.test(bindingType);
}

function inputOf({ kind, input, instanceId }: FunctionCall): InvocationInput {
  const metadata: Record<string, TypedData> =
    kind === 'activity' ? { instanceId: { string: instanceId } } : {};
  return { input: input === null ? {} : { string: input }, metadata };
}

function outcomeOf(result: InvocationResult): FunctionOutcome {
  if (result.kind === 'succeeded')
    return { kind: 'returned', value: returnedValue(result.response.returnValue ?? {}) };
  const { error } = result;
  if (error instanceof Error && error.name === 'FunctionTimeoutError')
    return { kind: 'timedOut', message: error.message };
  return { kind: 'threw', error: error instanceof OrchestratorThrew ? error.original : error };
}

function returnedValue({ json, string, int, double, bytes }: TypedData): unknown {
  if (json !== undefined) return JSON.parse(json);
  return string ?? int ?? double ?? bytes;
}

/**
 * What the library throws holds all actions so far as JSON, with the inputs of users. The log and the app's hooks get the
 * orchestrator's own error instead.
 */
class OrchestratorThrew extends Error {
  constructor(readonly original: unknown) {
    super(readFailure(original).error);
    // The place in the orchestrator is lost in the library.
    this.stack = this.message;
  }
}

/** In the same process the library's answer can be seen before it is JSON, where each action is still an object. */
function asOrchestrator(registered: RegisteredFunction): RegisteredFunction {
  return {
    metadata: registered.metadata,
    async callback(...args) {
      let answer: unknown;
      try {
        answer = await registered.callback(...args);
      } catch (error) {
        throw new OrchestratorThrew(error);
      }
      const problem = repeatedActionProblem(answer);
      if (problem !== undefined) throw new Error(problem);
      return answer;
    },
  };
}
