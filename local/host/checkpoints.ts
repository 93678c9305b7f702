// Checkpoints and partition ownership in blobs, in the layout that Azure's own clients share.
import type { Checkpoint, CheckpointStore, OperationOptions, PartitionOwnership } from '@azure/event-hubs';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import type { ContainerClient } from '@azure/storage-blob';
import type { StoredCheckpoint } from './hubMismatch.js';

export interface ConsumerScope {
  readonly fullyQualifiedNamespace: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
}

export interface OwnershipHandlers {
  /** Called on each round of load balancing; throws when the hub must not be read any more. */
  readonly beforeBalancing: () => Promise<void>;
  readonly onOwnershipLost: (partitionId: string) => void;
}

/**
 * The client library's blob store, which this one asks for everything, and two habits of the .NET processor that the
 * client library lacks:
 * - a partition that somebody else took is given up at once, not when its link happens to be used again;
 * - a partition that carries our name but is not being read, because this host was killed or its reader stopped on an
 *   error, is free. (The client library would take it for balanced and leave it alone until the ownership expires.)
 */
export class OwnedCheckpoints implements CheckpointStore {
  readonly #blobs: BlobCheckpointStore;
  readonly #reading = new Set<string>();
  #closing = false;

  constructor(
    private readonly container: ContainerClient,
    private readonly ownerId: string,
    private readonly handlers: OwnershipHandlers,
  ) {
    this.#blobs = new BlobCheckpointStore(container);
  }

  setReading(partitionId: string, isReading: boolean): void {
    if (isReading) this.#reading.add(partitionId);
    else this.#reading.delete(partitionId);
  }

  /** From now on the store answers as it is: the client looks for its own partitions to give them free. */
  beginClosing(): void {
    this.#closing = true;
  }

  async listOwnership(
    fullyQualifiedNamespace: string,
    eventHubName: string,
    consumerGroup: string,
    options?: OperationOptions,
  ): Promise<PartitionOwnership[]> {
    if (!this.#closing) await this.handlers.beforeBalancing();
    const ownerships = await this.#blobs.listOwnership(
      fullyQualifiedNamespace,
      eventHubName,
      consumerGroup,
      options,
    );
    if (this.#closing) return ownerships;
    for (const { partitionId, ownerId } of ownerships) {
      if (ownerId !== this.ownerId && this.#reading.has(partitionId))
        this.handlers.onOwnershipLost(partitionId);
    }
    return ownerships.map((ownership) =>
      ownership.ownerId === this.ownerId && !this.#reading.has(ownership.partitionId)
        ? { ...ownership, ownerId: '' }
        : ownership,
    );
  }

  claimOwnership(
    ownerships: PartitionOwnership[],
    options?: OperationOptions,
  ): Promise<PartitionOwnership[]> {
    return this.#blobs.claimOwnership(ownerships, options);
  }

  updateCheckpoint(checkpoint: Checkpoint, options?: OperationOptions): Promise<void> {
    return this.#blobs.updateCheckpoint(checkpoint, options);
  }

  listCheckpoints(
    fullyQualifiedNamespace: string,
    eventHubName: string,
    consumerGroup: string,
    options?: OperationOptions,
  ): Promise<Checkpoint[]> {
    return this.#blobs.listCheckpoints(fullyQualifiedNamespace, eventHubName, consumerGroup, options);
  }

  /** With the times that they were written, which the client library leaves out. */
  async storedCheckpoints(scope: ConsumerScope): Promise<StoredCheckpoint[]> {
    const prefix = checkpointPrefix(scope);
    const checkpoints: StoredCheckpoint[] = [];
    for await (const blob of this.container.listBlobsFlat({ prefix, includeMetadata: true })) {
      checkpoints.push({
        consumerGroup: scope.consumerGroup,
        partitionId: blob.name.slice(prefix.length),
        sequenceNumber: Number(blob.metadata?.sequencenumber),
        modifiedMs: blob.properties.lastModified.getTime(),
      });
    }
    return checkpoints;
  }

  /** @returns how many were deleted */
  async deleteCheckpoints(scope: ConsumerScope): Promise<number> {
    let count = 0;
    for await (const blob of this.container.listBlobsFlat({ prefix: checkpointPrefix(scope) })) {
      await this.container.deleteBlob(blob.name);
      count += 1;
    }
    return count;
  }
}

function checkpointPrefix({ fullyQualifiedNamespace, eventHubName, consumerGroup }: ConsumerScope): string {
  return `${fullyQualifiedNamespace}/${eventHubName}/${consumerGroup}/checkpoint/`.toLowerCase();
}
