// What the host knows of a trigger: it listens, and runs its function. One factory per binding type.
import type { Clock, Logger, Random } from '../../shared/base/index.js';
import type { DurableBackend } from '../durable/index.js';
import type { BlobQueue } from './blobQueue.js';
import type { Binding, RegisteredFunction } from './coreTypes.js';
import type { HostConfig } from './hostConfig.js';
import type { HttpServer } from './httpServer.js';
import type { Invoker } from './invocation.js';
import type { RetryPolicy } from './retryPolicy.js';
import type { AppSettings } from './settings.js';
import type { StorageAccount } from './storageAccount.js';

export interface TriggerListener {
  /** @throws TributaryError when the source cannot be reached, or must not be read as it is */
  start(): Promise<void>;
  /**
   * From the call on nothing new is started, and what runs leaves no checkpoint or status behind. Resolves when its
   * running invocations have ended or the host's drain limit has passed.
   */
  stop(): Promise<void>;
  /** Runs the function now, where its trigger has no input that only the source could give. */
  runNow?(): Promise<void>;
}

/** What all listeners share. */
export interface HostServices {
  readonly config: HostConfig;
  readonly settings: AppSettings;
  readonly invoker: Invoker;
  /** AzureWebJobsStorage, opened when first needed: an app of HTTP functions only runs without. */
  readonly hostStorage: () => StorageAccount;
  readonly hostId: string;
  readonly http: HttpServer;
  readonly blobQueue: BlobQueue;
  readonly durable: DurableBackend;
  /** Names this host among others on the same hubs and timers; the same again after a restart. */
  readonly instance: string;
  readonly resetCheckpoints: boolean;
  readonly drainTimeoutMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

export interface TriggerSource {
  readonly registered: RegisteredFunction;
  readonly name: string;
  readonly binding: Binding;
  /** Only for triggers that support one. */
  readonly retryPolicy: RetryPolicy | undefined;
}

export type TriggerListenerFactory = (source: TriggerSource, services: HostServices) => TriggerListener;
