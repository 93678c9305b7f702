import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  CoreInvocationContext,
  HookCallback,
  HookName,
  InvocationModel,
  RegisteredFunction,
} from '../../../local/host/coreTypes.js';
import { type InvocationInput, Invoker } from '../../../local/host/invocation.js';
import { createLogger, ManualClock, seededRandom } from '../../../shared/base/index.js';

const input: InvocationInput = { input: { string: 'x' }, metadata: { Id: { string: '7' } } };

/** Stands in for the library: hands the trigger's input to the callback. */
function model(core: CoreInvocationContext): InvocationModel {
  return {
    getArguments: async () => ({
      context: core,
      inputs: core.request.inputData.map(({ data }) => data.string),
    }),
    invokeFunction: async (context, inputs, callback) => callback(...inputs, context),
    getResponse: async (_, result) => {
      if (typeof result !== 'string') throw new Error('no text');
      return { invocationId: core.invocationId, returnValue: { string: result } };
    },
  };
}

function setUp(options: {
  readonly callback: RegisteredFunction['callback'];
  readonly hooks?: Partial<Record<HookName, HookCallback>>;
  readonly functionTimeoutMs?: number;
}) {
  const clock = new ManualClock(0);
  const lines: string[] = [];
  const invoker = new Invoker({
    app: {
      functions: [],
      model: { name: 'm', version: '1', getInvocationModel: model, getCapabilities: async () => ({}) },
      appHookData: {},
      terminate: async () => {},
    },
    registry: {
      functions: new Map(),
      programmingModel: undefined,
      hooksOf: (name) => (options.hooks?.[name] === undefined ? [] : [options.hooks[name]]),
      lock: () => {},
    },
    functionTimeoutMs: options.functionTimeoutMs ?? 1_800_000,
    logger: createLogger((line, level) => lines.push(`${level} ${line}`)),
    clock,
    inputValue: () => undefined,
    random: seededRandom(1),
  });
  const registered: RegisteredFunction = {
    metadata: { name: 'f', bindings: { trigger: { type: 'queueTrigger', direction: 'in' } } },
    callback: options.callback,
  };
  return { clock, lines, invoker, invoke: () => invoker.invoke(registered, () => input) };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('an invocation', () => {
  it('binds the trigger, calls the function, and gives its response', async () => {
    const { invoke } = setUp({ callback: (value) => `${value}!` });
    const result = await invoke();
    assert.equal(result.kind === 'succeeded' && result.response.returnValue?.string, 'x!');
  });

  it('fails when the function throws, and says so with its stack', async () => {
    const { invoke, lines } = setUp({
      callback: () => {
        throw new Error('on purpose');
      },
    });
    assert.equal((await invoke()).kind, 'failed');
    assert.match(lines.join('\n'), /error \[f\] Failed after 0 ms: Error: on purpose\n\s+at /);
  });

  it('fails when binding fails, without calling the function', async () => {
    let called = false;
    const { invoker } = setUp({ callback: () => '' });
    const registered: RegisteredFunction = {
      metadata: { name: 'f', bindings: {} },
      callback: () => {
        called = true;
      },
    };
    const result = await invoker.invoke(registered, () => {
      throw new Error('not JSON');
    });
    assert.equal(result.kind, 'failed');
    assert.equal(called, false);
  });

  it('fails when the result cannot be turned into a response', async () => {
    const { invoke } = setUp({ callback: () => 7 });
    assert.equal((await invoke()).kind, 'failed');
  });

  it('lets a hook before it change the inputs and the function', async () => {
    const { invoke } = setUp({
      callback: () => 'original',
      hooks: {
        preInvocation: (context) => {
          context.inputs = ['changed'];
          context.functionCallback = (value: unknown) => `wrapped ${value}`;
        },
      },
    });
    const result = await invoke();
    assert.equal(result.kind === 'succeeded' && result.response.returnValue?.string, 'wrapped changed');
  });

  it('lets a hook after it see and clear the error, and change the result', async () => {
    let seen: unknown;
    const { invoke } = setUp({
      callback: () => {
        throw new Error('on purpose');
      },
      hooks: {
        postInvocation: (context) => {
          seen = context.error;
          context.error = null;
          context.result = 'mended';
        },
      },
    });
    const result = await invoke();
    assert.equal((seen as Error).message, 'on purpose');
    assert.equal(result.kind === 'succeeded' && result.response.returnValue?.string, 'mended');
  });

  it("logs the function's lines with its name, as a log hook leaves them", async () => {
    const { invoke, lines } = setUp({
      callback: (_, context) => {
        (context as CoreInvocationContext).log('warning', 'user', 'secret 123');
        (context as CoreInvocationContext).log('information', 'system', 'secret 456');
        return '';
      },
      hooks: {
        log: (context) => {
          context.message = String(context.message).replace(/\d+/, '***');
        },
      },
    });
    await invoke();
    assert.deepEqual(lines.slice(0, 2), ['warn [f] secret ***', 'info [f] secret 456']);
  });

  it('counts as failed when it takes longer than functionTimeout, and is still known to run', async () => {
    const { clock, invoke, invoker } = setUp({
      callback: () => new Promise(() => {}),
      functionTimeoutMs: 60_000,
    });
    const invoked = invoke();
    await settle();
    clock.advance(60_000);
    const result = await invoked;
    assert.match(
      result.kind === 'failed' ? String(result.error) : '',
      /did not end within functionTimeout \(60 s\)/,
    );
    assert.equal(invoker.runningCount, 1);
  });
});
