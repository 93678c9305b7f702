// Pure. Who may read a partition in a consumer group: the rules of owner levels ("epochs").
import { linkStolen, type WireError } from './amqpErrors.js';

/** A reader, or one that wants to become one. */
export interface ReaderClaim {
  readonly name: string;
  /** The owner level; undefined for a reader that shares the partition with others. */
  readonly epoch: number | undefined;
}

export type Admission<Reader extends ReaderClaim> =
  | {
      readonly kind: 'admit';
      readonly displaced: readonly { readonly reader: Reader; readonly error: WireError }[];
    }
  | { readonly kind: 'refuse'; readonly error: WireError };

/** The service's limit of readers without an owner level per partition and consumer group. */
export const maxSharedReaders = 5;

/** @param existing the readers of the same partition and consumer group */
export function admitReader<Reader extends ReaderClaim>(
  existing: readonly Reader[],
  newcomer: ReaderClaim,
): Admission<Reader> {
  const owner = existing.find((reader) => reader.epoch !== undefined);
  if (newcomer.epoch === undefined) return admitShared(existing.length, newcomer, owner);
  if (owner?.epoch !== undefined && owner.epoch > newcomer.epoch) {
    return refuseStolen(newcomer, owner);
  }
  // An equal epoch wins too: the newest reader takes the partition.
  const displaced = existing.map((reader) => ({ reader, error: displacement(reader, newcomer) }));
  return { kind: 'admit', displaced };
}

function admitShared<Reader extends ReaderClaim>(
  existingCount: number,
  newcomer: ReaderClaim,
  owner: Reader | undefined,
): Admission<Reader> {
  if (owner !== undefined) return refuseStolen(newcomer, owner);
  if (existingCount < maxSharedReaders) return { kind: 'admit', displaced: [] };
  return {
    kind: 'refuse',
    error: {
      condition: 'amqp:resource-limit-exceeded',
      description:
        `Exceeded the maximum number of allowed receivers per partition in a consumer group which is ${maxSharedReaders}. ` +
        `Receiver '${newcomer.name}' is refused.`,
    },
  };
}

function refuseStolen<Reader extends ReaderClaim>(newcomer: ReaderClaim, owner: Reader): Admission<Reader> {
  const description =
    `At least one receiver for the endpoint is created with epoch of '${owner.epoch}', and so ` +
    `${newcomer.epoch === undefined ? 'non-epoch receiver' : `receiver with epoch '${newcomer.epoch}'`} is not allowed. ` +
    'Either reconnect with a higher epoch, or make sure all epoch receivers are closed or disconnected.';
  return { kind: 'refuse', error: linkStolen(description) };
}

function displacement(reader: ReaderClaim, newcomer: ReaderClaim): WireError {
  const current = reader.epoch === undefined ? 'without epoch' : `with epoch '${reader.epoch}'`;
  return linkStolen(
    `New receiver '${newcomer.name}' with higher epoch of '${newcomer.epoch}' is created hence current receiver ` +
      `'${reader.name}' ${current} is getting disconnected. If you are recreating the receiver, make sure a higher epoch is used.`,
  );
}
