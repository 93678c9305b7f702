// Pure. Errors as they go over the wire. The condition decides what a client does; both texts must not be empty, or
// client libraries do not see an AMQP error at all.

export interface WireError {
  readonly condition: string;
  readonly description: string;
}

/** Clients tell a missing entity by this wording. */
export function entityNotFound(path: string): WireError {
  return {
    condition: 'amqp:not-found',
    description: `The messaging entity '${path}' could not be found.`,
  };
}

export function partitionOutOfRange(hub: string, partitionId: string): WireError {
  return {
    condition: 'com.microsoft:argument-out-of-range',
    description: `The specified partition '${partitionId}' is invalid for the event hub '${hub}'.`,
  };
}

export function argumentError(description: string): WireError {
  return { condition: 'com.microsoft:argument-error', description };
}

export function linkStolen(description: string): WireError {
  return { condition: 'amqp:link:stolen', description };
}

export function internalError(description: string): WireError {
  return { condition: 'amqp:internal-error', description };
}
