// Pure. host.json: the keys this host understands, with the real host's defaults. Other keys are ignored.
import { TributaryError } from '../../shared/base/index.js';
import type { RetryOptions } from './coreTypes.js';
import { parseTimeSpan } from './timeSpan.js';

export type InitialOffset =
  | { readonly kind: 'fromStart' }
  | { readonly kind: 'fromEnd' }
  | { readonly kind: 'fromEnqueuedTime'; readonly enqueuedTimeMs: number };

export interface EventHubsConfig {
  readonly maxEventBatchSize: number;
  readonly minEventBatchSize: number;
  readonly maxWaitTimeMs: number;
  readonly batchCheckpointFrequency: number;
  readonly prefetchCount: number;
  readonly initialOffset: InitialOffset;
  readonly trackLastEnqueuedEventProperties: boolean;
  readonly loadBalancingUpdateIntervalMs: number;
  readonly partitionOwnershipExpirationIntervalMs: number;
}

export interface BlobsConfig {
  readonly maxDegreeOfParallelism: number;
  readonly poisonBlobThreshold: number;
}

export interface HostConfig {
  readonly functionTimeoutMs: number;
  /** Without slashes at its ends; empty for none. */
  readonly routePrefix: string;
  readonly eventHubs: EventHubsConfig;
  readonly blobs: BlobsConfig;
  /** The top-level `retry`, which applies to every function without a policy of its own. */
  readonly retry?: RetryOptions;
}

/**
 * @param content host.json, parsed; undefined when there is no such file
 * @param processorCount for defaults that grow with the machine
 * @throws TributaryError CONFIG_INVALID naming the key, its value and what it may be
 */
export function parseHostConfig(content: unknown, processorCount: number): HostConfig {
  const root = new Section(content ?? {});
  const version = root.text('version', '2.0');
  if (version !== '2.0') throw root.invalid('version', version, '"2.0"');
  const extensions = root.section('extensions');
  const retry = retryOptions(root);
  return {
    functionTimeoutMs: functionTimeoutMs(root),
    routePrefix: extensions
      .section('http')
      .text('routePrefix', 'api')
      .replace(/^\/+|\/+$/g, ''),
    eventHubs: eventHubsConfig(extensions.section('eventHubs')),
    blobs: {
      maxDegreeOfParallelism: extensions
        .section('blobs')
        .integer('maxDegreeOfParallelism', 8 * processorCount, 1),
      poisonBlobThreshold: extensions.section('blobs').integer('poisonBlobThreshold', 5, 1),
    },
    ...(retry === undefined ? {} : { retry }),
  };
}

function functionTimeoutMs(root: Section): number {
  // -1 means no limit.
  if (root.value('functionTimeout') === '-1') return Number.POSITIVE_INFINITY;
  return root.timeSpan('functionTimeout', 30 * 60_000);
}

function eventHubsConfig(section: Section): EventHubsConfig {
  const maxEventBatchSize = section.integer('maxEventBatchSize', 100, 1);
  const minEventBatchSize = section.integer('minEventBatchSize', 1, 1);
  if (minEventBatchSize > maxEventBatchSize) {
    throw section.invalid(
      'minEventBatchSize',
      minEventBatchSize,
      `at most maxEventBatchSize (${maxEventBatchSize})`,
    );
  }
  return {
    maxEventBatchSize,
    minEventBatchSize,
    maxWaitTimeMs: section.timeSpan('maxWaitTime', 60_000, 10 * 60_000),
    batchCheckpointFrequency: section.integer('batchCheckpointFrequency', 1, 1),
    prefetchCount: section.integer('prefetchCount', 300, 0),
    initialOffset: initialOffset(section.section('initialOffsetOptions')),
    trackLastEnqueuedEventProperties: section.flag('trackLastEnqueuedEventProperties', false),
    // Shorter than in the cloud (10 s and 2 min): one machine, and people who wait for it.
    loadBalancingUpdateIntervalMs: section.timeSpan('loadBalancingUpdateInterval', 2_000),
    partitionOwnershipExpirationIntervalMs: section.timeSpan('partitionOwnershipExpirationInterval', 10_000),
  };
}

function initialOffset(section: Section): InitialOffset {
  const type = section.text('type', 'fromStart');
  switch (type.toLowerCase()) {
    case 'fromstart':
      return { kind: 'fromStart' };
    case 'fromend':
      return { kind: 'fromEnd' };
    case 'fromenqueuedtime': {
      const text = section.text('enqueuedTimeUtc', '');
      const enqueuedTimeMs = Date.parse(text);
      if (Number.isNaN(enqueuedTimeMs)) {
        throw section.invalid('enqueuedTimeUtc', text, 'a time like "2026-01-31T12:00:00Z"');
      }
      return { kind: 'fromEnqueuedTime', enqueuedTimeMs };
    }
    default:
      throw section.invalid('type', type, '"fromStart", "fromEnd" or "fromEnqueuedTime"');
  }
}

function retryOptions(root: Section): RetryOptions | undefined {
  if (root.value('retry') === undefined) return undefined;
  const section = root.section('retry');
  const strategy = section.text('strategy', '');
  if (strategy !== 'fixedDelay' && strategy !== 'exponentialBackoff') {
    throw section.invalid('strategy', strategy, '"fixedDelay" or "exponentialBackoff"');
  }
  const seconds = (key: string) => ({ seconds: Math.round(section.timeSpan(key, undefined) / 1000) });
  return {
    retryStrategy: strategy,
    maxRetryCount: section.integer('maxRetryCount', undefined, -1),
    ...(strategy === 'fixedDelay'
      ? { delayInterval: seconds('delayInterval') }
      : { minimumInterval: seconds('minimumInterval'), maximumInterval: seconds('maximumInterval') }),
  };
}

/** One object of host.json, and its dotted path for messages. */
class Section {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(
    content: unknown,
    private readonly path = '',
  ) {
    if (typeof content !== 'object' || content === null || Array.isArray(content)) {
      throw new TributaryError(
        'CONFIG_INVALID',
        `host.json${path === '' ? '' : `: ${path}`} must be a JSON object, not ${JSON.stringify(content)}.`,
      );
    }
    this.#values = content as Record<string, unknown>;
  }

  value(key: string): unknown {
    return this.#values[key];
  }

  section(key: string): Section {
    return new Section(this.#values[key] ?? {}, this.#pathOf(key));
  }

  text(key: string, fallback: string): string {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== 'string') throw this.invalid(key, value, 'text');
    return value;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#values[key] ?? fallback;
    if (typeof value !== 'boolean') throw this.invalid(key, value, 'true or false');
    return value;
  }

  integer(key: string, fallback: number | undefined, minimum: number): number {
    const value = this.#values[key] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= minimum) return value;
    throw this.invalid(key, value, `a whole number from ${minimum}`);
  }

  timeSpan(key: string, fallbackMs: number | undefined, maximumMs = Number.POSITIVE_INFINITY): number {
    const value = this.#values[key];
    if (value === undefined && fallbackMs !== undefined) return fallbackMs;
    const milliseconds = typeof value === 'string' ? parseTimeSpan(value) : undefined;
    if (milliseconds !== undefined && milliseconds > 0 && milliseconds <= maximumMs) return milliseconds;
    const limit = maximumMs === Number.POSITIVE_INFINITY ? '' : `, at most ${maximumMs / 60_000} minutes`;
    throw this.invalid(key, value, `a time "hh:mm:ss" above zero${limit}`);
  }

  invalid(key: string, value: unknown, allowed: string): TributaryError {
    const found = value === undefined ? 'missing' : JSON.stringify(value);
    return new TributaryError(
      'CONFIG_INVALID',
      `host.json: ${this.#pathOf(key)} is ${found}; it must be ${allowed}.`,
    );
  }

  #pathOf(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }
}
