// Receipts: one small blob per function, blob and ETag that says "queued". Delete it and the function runs again.
import { createHash } from 'node:crypto';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { isConflict, isNotFound } from './storageAccount.js';

export interface BlobVersion {
  readonly container: string;
  readonly name: string;
  /** Without quotes. */
  readonly etag: string;
}

const leaseSeconds = 30;

export class BlobReceipts {
  constructor(
    private readonly hosts: ContainerClient,
    private readonly hostId: string,
    private readonly functionId: string,
  ) {}

  /**
   * Calls `enqueue` unless the receipt says that it was done for this version of the blob. Several hosts may try at once:
   * one of them does it. A host that dies between the two writes leaves an incomplete receipt, and the message is sent again.
   */
  async enqueueOnce(blob: BlobVersion, enqueue: () => Promise<void>): Promise<void> {
    const receipt = this.hosts.getBlockBlobClient(this.#nameOf(blob));
    const state = await receiptState(receipt);
    if (state === 'complete') return;
    if (state === 'missing') await create(receipt);
    const lease = receipt.getBlobLeaseClient(this.#leaseId(blob));
    try {
      await lease.acquireLease(leaseSeconds);
    } catch (error) {
      // Another host is at it.
      if (isConflict(error)) return;
      throw error;
    }
    try {
      if ((await receiptState(receipt)) === 'complete') return;
      await enqueue();
      await receipt.setMetadata({}, { conditions: { leaseId: lease.leaseId } });
    } finally {
      await lease.releaseLease();
    }
  }

  #nameOf({ container, name, etag }: BlobVersion): string {
    return `blobreceipts/${this.hostId}/${this.functionId}/${etag}/${container}/${name}`;
  }

  /** Of this process and blob: a random one would do, but this needs no source of chance. */
  #leaseId(blob: BlobVersion): string {
    const digest = createHash('sha256')
      .update(`${process.pid}\n${this.#nameOf(blob)}`)
      .digest('hex');
    return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  }
}

async function receiptState(receipt: BlockBlobClient): Promise<'missing' | 'incomplete' | 'complete'> {
  try {
    const { metadata = {} } = await receipt.getProperties();
    return Object.keys(metadata).some((key) => key.toLowerCase() === 'incomplete')
      ? 'incomplete'
      : 'complete';
  } catch (error) {
    if (isNotFound(error)) return 'missing';
    throw error;
  }
}

async function create(receipt: BlockBlobClient): Promise<void> {
  try {
    await receipt.upload('', 0, { metadata: { Incomplete: 'true' }, conditions: { ifNoneMatch: '*' } });
  } catch (error) {
    // Another host created it at the same moment.
    if (!isConflict(error)) throw error;
  }
}
