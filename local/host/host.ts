// The local Functions host: loads an app through the unmodified library, and runs its functions when their triggers say so.
import { cpus, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type Clock,
  describeError,
  type Logger,
  type Random,
  silentLogger,
  systemClock,
  systemRandom,
  TributaryError,
} from '../../shared/base/index.js';
import {
  createDurableListener,
  DurableBackend,
  type DurableFaults,
  isDurableClient,
} from '../durable/index.js';
import { addAdministration } from './administration.js';
import { type LoadedApp, loadApp } from './appLoader.js';
import { BlobQueue } from './blobQueue.js';
import { createBlobListener } from './blobTrigger.js';
import { addBlobWebhook } from './blobWebhook.js';
import { installCoreModule } from './coreModule.js';
import type { RegisteredFunction } from './coreTypes.js';
import { createEventHubListener } from './eventHubTrigger.js';
import { type HostConfig, parseHostConfig } from './hostConfig.js';
import { HttpServer } from './httpServer.js';
import { createHttpListener } from './httpTrigger.js';
import { Invoker, logLevelOf, triggerBindingOf } from './invocation.js';
import { parseRetryPolicy } from './retryPolicy.js';
import { applySettings, readJsonFile } from './settings.js';
import { hostIdOf, hostStorageSetting, openStorageAccount } from './storageAccount.js';
import { createTimerListener } from './timerTrigger.js';
import type {
  HostServices,
  TriggerListener,
  TriggerListenerFactory,
  TriggerSource,
} from './triggerListener.js';

export interface FunctionsHostOptions {
  readonly appFolder: string;
  /** For HTTP functions and admin endpoints; 0 takes a free one. */
  readonly port: number;
  /** Stronger than the environment and local.settings.json. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * Names this host among others on the same hubs and timers. A host started again under its old name goes on at once;
   * under another one it waits until the ownership of the old one has expired. Two running hosts must not share a name.
   * Default: this machine and the port; a random one with port 0.
   */
  readonly instance?: string;
  /** Deletes the checkpoints of the app's event hubs first. */
  readonly resetCheckpoints?: boolean;
  /** Where orchestrations and entities are kept. Default `.local/durable` in the app's folder. */
  readonly durableFolder?: string;
  /** Redelivers, reorders and repeats what the Durable providers may. Default: nothing. */
  readonly durableFaults?: DurableFaults;
  /** How long `stop` waits for running invocations. Default 5 s. */
  readonly drainTimeoutMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface FunctionsHost {
  readonly url: string;
  readonly functions: readonly { readonly name: string; readonly triggerType: string }[];
  /** Batches, blobs and timer runs that are cut short come again. Safe to call twice. */
  stop(): Promise<void>;
}

/** Later triggers (queues) are added here. */
const listenerFactories: Readonly<Record<string, TriggerListenerFactory>> = {
  activitytrigger: createDurableListener,
  blobtrigger: createBlobListener,
  entitytrigger: createDurableListener,
  eventhubtrigger: createEventHubListener,
  httptrigger: createHttpListener,
  orchestrationtrigger: createDurableListener,
  timertrigger: createTimerListener,
};

/** Retry policies of all other triggers are ignored, as the real host does. */
const retryingTriggers: ReadonlySet<string> = new Set(['eventhubtrigger', 'timertrigger']);

/** @throws TributaryError CONFIG_INVALID, SETTING_MISSING, LOCAL_PORT_IN_USE, LOCAL_STATE_MISMATCH, LOCAL_START_FAILED */
export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const appFolder = resolve(options.appFolder);
  const { logger = silentLogger, clock = systemClock, random = systemRandom } = options;
  const config = parseHostConfig(readJsonFile(`${appFolder}/host.json`), cpus().length);
  const settings = applySettings(appFolder, options.settings ?? {});
  const registry = installCoreModule((level, _, message) => {
    const shownLevel = logLevelOf(level);
    if (shownLevel !== undefined) logger.log(shownLevel === 'info' ? 'debug' : shownLevel, message);
  });
  const app = await loadApp(appFolder, registry);

  const { functionTimeoutMs } = config;
  const hostId = hostIdOf(appFolder, settings);
  const drainTimeoutMs = options.drainTimeoutMs ?? 5_000;
  const hostStorage = () => openStorageAccount(settings, hostStorageSetting, 'The Functions host');
  const http = new HttpServer({ port: options.port, routePrefix: config.routePrefix, logger, clock });
  const inputValue = (type: string) => (isDurableClient(type) ? durable.clientInput() : undefined);
  const invoker = new Invoker({ app, registry, functionTimeoutMs, inputValue, logger, clock, random });
  const durable = new DurableBackend({
    dataFolder: options.durableFolder ?? join(appFolder, '.local', 'durable'),
    ...(options.durableFaults === undefined ? {} : { faults: options.durableFaults }),
    http,
    invoke: (registered, bind) => invoker.invoke(registered, bind),
    drainTimeoutMs,
    logger,
    clock,
    random,
  });
  const services: HostServices = {
    config,
    settings,
    invoker,
    hostStorage,
    hostId,
    http,
    durable,
    blobQueue: new BlobQueue({
      account: hostStorage,
      hostId,
      config: config.blobs,
      drainTimeoutMs,
      logger,
      clock,
    }),
    instance: options.instance ?? (options.port === 0 ? random.uuid() : `${hostname()}-${options.port}`),
    resetCheckpoints: options.resetCheckpoints ?? false,
    drainTimeoutMs,
    logger,
    clock,
    random,
  };
  return start(app, services);
}

async function start(app: LoadedApp, services: HostServices): Promise<FunctionsHost> {
  const functions = app.functions.map((registered) => {
    const source = triggerSource(registered, services.config);
    return { source, listener: createListener(source, services) };
  });
  addAdministration(services.http, { hostId: services.hostId, functions, clock: services.clock });
  addBlobWebhook(services.http, services.blobQueue);

  const stop = stopOnce(
    app,
    services,
    functions.map(({ listener }) => listener),
  );
  // The port comes first: who holds it holds the name that is made of it.
  await services.http.listen();
  const started = await Promise.allSettled(functions.map(({ listener }) => listener.start()));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  return {
    url: services.http.url,
    functions: functions.map(({ source }) => ({ name: source.name, triggerType: source.binding.type })),
    stop,
  };
}

function stopOnce(
  app: LoadedApp,
  services: HostServices,
  listeners: readonly TriggerListener[],
): () => Promise<void> {
  const { http, drainTimeoutMs, logger } = services;
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    const ends = await Promise.allSettled([
      http.close(drainTimeoutMs),
      ...listeners.map((listener) => listener.stop()),
    ]);
    for (const end of ends) {
      if (end.status === 'rejected') logger.log('warn', `Stopping: ${describeError(end.reason)}`);
    }
    const running = services.invoker.runningCount;
    if (running > 0)
      logger.log('warn', `${running} invocations were cut short; what triggered them comes again.`);
    await app.terminate();
  };
  return () => {
    stopped ??= stop();
    return stopped;
  };
}

function triggerSource(registered: RegisteredFunction, config: HostConfig): TriggerSource {
  const { name, bindings, retryOptions } = registered.metadata;
  const { binding } = triggerBindingOf(bindings);
  refuseOtherBindings(registered);
  const options = retryOptions ?? config.retry;
  const retries = options !== undefined && retryingTriggers.has(binding.type.toLowerCase());
  return { registered, name, binding, retryPolicy: retries ? parseRetryPolicy(name, options) : undefined };
}

function createListener(source: TriggerSource, services: HostServices): TriggerListener {
  const factory = listenerFactories[source.binding.type.toLowerCase()];
  if (factory !== undefined) return factory(source, services);
  throw new TributaryError(
    'LOCAL_START_FAILED',
    `Function "${source.name}" has a ${source.binding.type}, which this host does not support. ` +
      `It supports ${Object.keys(listenerFactories).join(', ')}.`,
  );
}

/** Better no start than a function that silently loses what it writes to an output. */
function refuseOtherBindings({ metadata }: RegisteredFunction): void {
  for (const [bindingName, binding] of Object.entries(metadata.bindings)) {
    const isHttpResponse = bindingName === '$return' && binding.type.toLowerCase() === 'http';
    if (/trigger$/i.test(binding.type) || isHttpResponse || isDurableClient(binding.type)) continue;
    throw new TributaryError(
      'LOCAL_START_FAILED',
      `Function "${metadata.name}" has an ${binding.direction === 'in' ? 'input' : 'output'} binding "${bindingName}" of type ` +
        `${binding.type}, which this host does not support. Use the service's client library in the function.`,
    );
  }
}
