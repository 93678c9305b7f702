// One run of a function through the library: bind, hooks, call, hooks, response. Never rejects.
import {
  type Clock,
  describeError,
  type Logger,
  type LogLevel,
  type Random,
} from '../../shared/base/index.js';
import type { LoadedApp } from './appLoader.js';
import type { CoreRegistry } from './coreModule.js';
import type {
  CoreInvocationContext,
  FunctionCallback,
  HookName,
  InvocationModel,
  InvocationRequest,
  InvocationResponse,
  LogCategory,
  LogLevelName,
  RegisteredFunction,
  RetryContext,
  TypedData,
} from './coreTypes.js';

/** Made anew for each attempt: the real host binds inputs again before a retry, and a failure to bind is a failed run. */
export interface InvocationInput {
  readonly input: TypedData;
  readonly metadata: Readonly<Record<string, TypedData>>;
}

export type InvocationResult =
  | { readonly kind: 'succeeded'; readonly response: InvocationResponse }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface InvokerOptions {
  readonly app: LoadedApp;
  readonly registry: CoreRegistry;
  readonly functionTimeoutMs: number;
  /** The value of an input binding that is not the trigger; undefined when its type is none that the host supplies. */
  readonly inputValue?: (bindingType: string) => TypedData | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

export class Invoker {
  readonly #options: InvokerOptions;
  readonly #running = new Set<Promise<unknown>>();

  constructor(options: InvokerOptions) {
    this.#options = options;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  async invoke(
    registered: RegisteredFunction,
    bind: () => InvocationInput,
    retryContext?: RetryContext,
  ): Promise<InvocationResult> {
    const { clock, logger } = this.#options;
    const { name } = registered.metadata;
    const startMs = clock.nowMs();
    const result = await this.#withTimeout(name, this.#run(registered, bind, retryContext));
    const durationMs = Math.round(clock.nowMs() - startMs);
    if (result.kind === 'succeeded') logger.log('debug', `[${name}] Succeeded in ${durationMs} ms.`);
    else logger.log('error', `[${name}] Failed after ${durationMs} ms: ${describeFailure(result.error)}`);
    return result;
  }

  async #run(
    registered: RegisteredFunction,
    bind: () => InvocationInput,
    retryContext: RetryContext | undefined,
  ): Promise<InvocationResult> {
    try {
      const context = this.#coreContext(registered, bind(), retryContext);
      const model = this.#options.app.model.getInvocationModel(context);
      // The library's own worker awaits it; a later library may answer with a promise.
      const response = await this.#runModel(registered, context, await model);
      return { kind: 'succeeded', response };
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  async #runModel(
    registered: RegisteredFunction,
    core: CoreInvocationContext,
    model: InvocationModel,
  ): Promise<InvocationResponse> {
    const { context, inputs } = await model.getArguments();
    const shared = {
      hookData: {},
      appHookData: this.#options.app.appHookData,
      invocationContext: context,
    };

    core.state = 'preInvocationHooks';
    const before: Record<string, unknown> = { ...shared, inputs, functionCallback: registered.callback };
    await this.#runHooks('preInvocation', before);

    core.state = 'invocation';
    const after: Record<string, unknown> = { ...shared, inputs: before.inputs, result: null, error: null };
    try {
      const callback = before.functionCallback as FunctionCallback;
      after.result = await model.invokeFunction(context, before.inputs as unknown[], callback);
    } catch (error) {
      after.error = error;
    }

    core.state = 'postInvocationHooks';
    await this.#runHooks('postInvocation', after);
    // A hook may have cleared the error; and `throw null` counts as success in the real worker too.
    if (after.error !== null && after.error !== undefined) throw after.error;
    return await model.getResponse(context, after.result);
  }

  async #runHooks(name: HookName, context: Record<string, unknown>): Promise<void> {
    for (const hook of this.#options.registry.hooksOf(name)) await hook(context);
  }

  #coreContext(
    { metadata }: RegisteredFunction,
    { input, metadata: triggerMetadata }: InvocationInput,
    retryContext: RetryContext | undefined,
  ): CoreInvocationContext {
    const { random } = this.#options;
    const invocationId = random.uuid();
    const traceParent = `00-${random.uuid().replaceAll('-', '')}-${random.uuid().replaceAll('-', '').slice(0, 16)}-01`;
    const request: InvocationRequest = {
      invocationId,
      functionId: metadata.functionId ?? metadata.name,
      inputData: [
        { name: triggerBindingOf(metadata.bindings).name, data: input },
        ...this.#otherInputs(metadata.bindings),
      ],
      triggerMetadata,
      traceContext: { traceParent, traceState: '', attributes: {} },
      ...(retryContext === undefined ? {} : { retryContext }),
    };
    return {
      invocationId,
      request,
      metadata,
      log: (level, category, message) => this.#log(metadata.name, level, category, message),
    };
  }

  #otherInputs(bindings: RegisteredFunction['metadata']['bindings']) {
    return Object.entries(bindings).flatMap(([name, { type, direction }]) => {
      const data = direction === 'in' ? this.#options.inputValue?.(type) : undefined;
      return data === undefined ? [] : [{ name, data }];
    });
  }

  #log(functionName: string, level: LogLevelName, category: LogCategory, message: string): void {
    const line: Record<string, unknown> = {
      level,
      category,
      message,
      hookData: {},
      appHookData: this.#options.app.appHookData,
    };
    for (const hook of this.#options.registry.hooksOf('log')) {
      try {
        hook(line);
      } catch (error) {
        this.#options.logger.log('debug', `[${functionName}] A log hook threw: ${describeError(error)}`);
      }
    }
    // Only the app's own lines may be changed by a hook.
    const text = category === 'user' ? String(line.message) : message;
    const shownLevel = logLevelOf(category === 'user' ? (line.level as LogLevelName) : level);
    if (shownLevel !== undefined) this.#options.logger.log(shownLevel, `[${functionName}] ${text}`);
  }

  /** A function cannot be stopped from outside in the same process: it runs on, but nobody waits for it any more. */
  async #withTimeout(functionName: string, run: Promise<InvocationResult>): Promise<InvocationResult> {
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
    const { functionTimeoutMs, clock } = this.#options;
    if (functionTimeoutMs === Number.POSITIVE_INFINITY) return run;
    const finished = new AbortController();
    const timeout = clock.sleep(functionTimeoutMs, finished.signal).then((): InvocationResult => {
      const what = `did not end within functionTimeout (${functionTimeoutMs / 1000} s); it still runs, since a local host cannot stop it`;
      const error = new Error(`Function "${functionName}" ${what}.`);
      error.name = 'FunctionTimeoutError';
      return { kind: 'failed', error };
    });
    const result = await Promise.race([run, timeout]);
    finished.abort();
    return result;
  }
}

/** @throws Error when there is no trigger; the library lets none be registered without one */
export function triggerBindingOf(bindings: RegisteredFunction['metadata']['bindings']) {
  for (const [name, binding] of Object.entries(bindings)) {
    if (/trigger$/i.test(binding.type)) return { name, binding };
  }
  throw new Error('The function has no trigger binding.');
}

export function logLevelOf(level: LogLevelName): LogLevel | undefined {
  switch (level) {
    case 'trace':
    case 'debug':
      return 'debug';
    case 'information':
      return 'info';
    case 'warning':
      return 'warn';
    case 'none':
      return undefined;
    default:
      return 'error';
  }
}

/** With the stack down to the library: the reader of this line is the function's author. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error) || error.stack === undefined) return describeError(error);
  const frames = error.stack.split('\n');
  const libraryFrame = frames.findIndex((frame) => /[\\/]@azure[\\/]functions[\\/]dist[\\/]/.test(frame));
  const own = libraryFrame < 0 ? error.stack : frames.slice(0, libraryFrame).join('\n');
  return error.cause === undefined ? own : `${own}\n  caused by: ${describeError(error.cause)}`;
}
