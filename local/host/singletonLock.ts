// One host at a time for what must not run twice: a lease on a blob, as the real host's singleton lock.
import { createHash } from 'node:crypto';
import type { BlobLeaseClient, ContainerClient } from '@azure/storage-blob';
import { type Clock, describeError, type Logger } from '../../shared/base/index.js';
import { isConflict, isNotFound } from './storageAccount.js';

const leaseSeconds = 30;
const renewMs = 10_000;
const retryMs = 2_000;

export interface SingletonLockOptions {
  readonly container: ContainerClient;
  readonly blobName: string;
  /** The same name gets its own lease back: a host started again after kill -9 need not wait for the lease to run out. */
  readonly instance: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Runs `work` whenever this host holds the lock, until `signal` aborts. The signal `work` gets also aborts when the lock is
 * lost; then it is waited for and the lock is sought again. Never rejects: work that fails is begun again.
 */
export async function whileHoldingLock(
  options: SingletonLockOptions,
  signal: AbortSignal,
  work: (held: AbortSignal) => Promise<void>,
): Promise<void> {
  const { clock, logger, blobName } = options;
  let announced = false;
  while (!signal.aborted) {
    try {
      const lease = await acquire(options);
      if (lease !== undefined) await workUnderLease(lease, options, signal, work);
      else if (!announced) logger.log('info', `Another host holds ${blobName}; this one stands by.`);
      announced = lease === undefined;
    } catch (error) {
      logger.log('error', `${blobName}: ${describeError(error)}`);
    }
    await clock.sleep(retryMs, signal);
  }
}

async function workUnderLease(
  lease: BlobLeaseClient,
  options: SingletonLockOptions,
  signal: AbortSignal,
  work: (held: AbortSignal) => Promise<void>,
): Promise<void> {
  const held = new AbortController();
  const endWithHost = () => held.abort();
  signal.addEventListener('abort', endWithHost, { once: true });
  try {
    await Promise.all([work(held.signal).finally(() => held.abort()), keepRenewing(lease, options, held)]);
  } finally {
    signal.removeEventListener('abort', endWithHost);
    await lease.releaseLease().catch((error: unknown) => {
      options.logger.log('debug', `Releasing ${options.blobName}: ${describeError(error)}`);
    });
  }
}

async function keepRenewing(
  lease: BlobLeaseClient,
  options: SingletonLockOptions,
  held: AbortController,
): Promise<void> {
  const { clock, logger, blobName } = options;
  let validUntilMs = clock.nowMs() + leaseSeconds * 1000;
  for (;;) {
    await clock.sleep(renewMs, held.signal);
    if (held.signal.aborted) return;
    try {
      await lease.renewLease();
      validUntilMs = clock.nowMs() + leaseSeconds * 1000;
    } catch (error) {
      logger.log('warn', `Renewing ${blobName}: ${describeError(error)}`);
      // Storage that does not answer for a moment is no reason to stop before the lease has run out.
      if (isConflict(error) || clock.nowMs() >= validUntilMs - renewMs) held.abort();
    }
  }
}

/** @returns undefined when another host holds it */
async function acquire(options: SingletonLockOptions): Promise<BlobLeaseClient | undefined> {
  const { container, blobName, instance } = options;
  const blob = container.getBlockBlobClient(blobName);
  const lease = blob.getBlobLeaseClient(leaseIdOf(instance, blobName));
  try {
    await lease.acquireLease(leaseSeconds);
  } catch (error) {
    if (isConflict(error)) return undefined;
    if (!isNotFound(error)) throw error;
    await blob.upload('', 0, { conditions: { ifNoneMatch: '*' } }).catch(ignoreConflict);
    await lease.acquireLease(leaseSeconds);
  }
  return lease;
}

/** Another host created it at the same moment. */
function ignoreConflict(error: unknown): void {
  if (!isConflict(error)) throw error;
}

/** Lease ids must be UUIDs; this one is the name's digest in that form. */
function leaseIdOf(instance: string, blobName: string): string {
  const digest = createHash('sha256').update(`${instance}\n${blobName}`).digest('hex');
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
