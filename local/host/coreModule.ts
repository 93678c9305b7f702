// The module `@azure/functions-core`, which exists on no registry: the real worker answers the library's `require` for it
// with an object, and so does this host. (Functions host contract, "Injection".)
import Module from 'node:module';
import { TributaryError } from '../../shared/base/index.js';
import {
  type FunctionCallback,
  type FunctionMetadata,
  type HookCallback,
  type HookName,
  hookNames,
  type LogHandler,
  type ProgrammingModel,
  type RegisteredFunction,
} from './coreTypes.js';

const coreModuleId = '@azure/functions-core';

/** What the library and the app registered. */
export interface CoreRegistry {
  readonly functions: ReadonlyMap<string, RegisteredFunction>;
  readonly programmingModel: ProgrammingModel | undefined;
  hooksOf(name: HookName): readonly HookCallback[];
  /** After this, registering throws: the app has started. */
  lock(): void;
}

let installed = false;

/**
 * From now on the library finds its host. Once per process: the library keeps its first core for good.
 * @param log receives the library's own system lines
 */
export function installCoreModule(log: LogHandler): CoreRegistry {
  if (installed) {
    throw new TributaryError(
      'LOCAL_START_FAILED',
      'This process has run a Functions host already. @azure/functions keeps its first host for good, so start another process.',
    );
  }
  installed = true;
  const registry = new Registry();
  const core = createCoreApi(registry, log);
  const prototype = Module.prototype as { require: (this: unknown, id: string) => unknown };
  const originalRequire = prototype.require;
  prototype.require = function (id) {
    return id === coreModuleId ? core : originalRequire.call(this, id);
  };
  return registry;
}

class Registry implements CoreRegistry {
  readonly functions = new Map<string, RegisteredFunction>();
  programmingModel: ProgrammingModel | undefined;
  readonly #hooks = new Map<HookName, HookCallback[]>();
  #locked = false;

  hooksOf(name: HookName): readonly HookCallback[] {
    return this.#hooks.get(name) ?? [];
  }

  lock(): void {
    this.#locked = true;
  }

  addFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable {
    if (this.#locked) {
      throw systemError(Error, `Function "${metadata.name}" was registered after the app had started.`);
    }
    const id = metadata.functionId ?? metadata.name;
    if (this.functions.has(id))
      throw systemError(Error, `A function with the id "${id}" is registered already.`);
    this.functions.set(id, { metadata, callback });
    return new Disposable(() => {
      if (this.#locked)
        throw systemError(Error, `Function "${id}" cannot be removed after the app has started.`);
      this.functions.delete(id);
    });
  }

  addHook(name: string, callback: HookCallback): Disposable {
    const known = hookNames.find((hookName) => hookName === name);
    if (known === undefined) throw systemError(RangeError, `Unrecognized hook "${name}"`);
    const callbacks = this.#hooks.get(known) ?? [];
    this.#hooks.set(known, [...callbacks, callback]);
    return new Disposable(() => {
      this.#hooks.set(
        known,
        this.hooksOf(known).filter((registered) => registered !== callback),
      );
    });
  }
}

function createCoreApi(registry: Registry, log: LogHandler) {
  return {
    version: '3.9.1',
    hostVersion: '4.1037.0.0',
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) =>
      registry.addFunction(metadata, callback),
    registerHook: (name: string, callback: HookCallback) => registry.addHook(name, callback),
    setProgrammingModel(model: ProgrammingModel) {
      registry.programmingModel = model;
    },
    getProgrammingModel: () => registry.programmingModel,
    log,
    Disposable,
  };
}

class Disposable {
  static from(...disposables: readonly { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  constructor(private callOnDispose: (() => unknown) | undefined) {}

  dispose(): unknown {
    const call = this.callOnDispose;
    this.callOnDispose = undefined;
    return call?.();
  }
}

/** The library tells the host's own errors from the app's by this mark. */
function systemError(type: typeof Error | typeof RangeError, message: string): Error {
  return Object.assign(new type(message), { isAzureFunctionsSystemError: true });
}
