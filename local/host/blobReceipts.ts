// Receipts: one small blob per function, blob and ETag that says "queued". Delete it and the function runs again.
import { createHash } from 'node:crypto';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import { isConflict } from './storageAccount.js';

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
    const createdEtag = await create(receipt);
    if (createdEtag === undefined && (await isComplete(receipt))) return;
    const lease = receipt.getBlobLeaseClient(this.#leaseId(blob));
    try {
      // A receipt that is as it was created is incomplete, which saves a look.
      await lease.acquireLease(
        leaseSeconds,
        createdEtag === undefined ? {} : { conditions: { ifMatch: createdEtag } },
      );
    } catch (error) {
      // Another host is at it.
      if (isConflict(error)) return;
      throw error;
    }
    try {
      if (createdEtag === undefined && (await isComplete(receipt))) return;
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

async function isComplete(receipt: BlockBlobClient): Promise<boolean> {
  const { metadata = {} } = await receipt.getProperties();
  return !Object.keys(metadata).some((key) => key.toLowerCase() === 'incomplete');
}

/** @returns the ETag; undefined when the receipt was there */
async function create(receipt: BlockBlobClient): Promise<string | undefined> {
  try {
    const conditions = { ifNoneMatch: '*' };
    const { etag } = await receipt.upload('', 0, { metadata: { Incomplete: 'true' }, conditions });
    return etag;
  } catch (error) {
    if (isConflict(error)) return undefined;
    throw error;
  }
}
