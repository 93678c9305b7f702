// What an answer of the Blob service, or its absence, means for the caller. Messages carry no URL, since a URL may hold a SAS.
import { RestError } from '@azure/storage-blob';
import { TributaryError } from '../base/index.js';

/** What was being done, e.g. "write tables/readings/_delta_log/00000000000000000001.json in container lake". */
export type BlobOperation = () => string;

export function statusOf(error: unknown): number | undefined {
  return error instanceof RestError ? error.statusCode : undefined;
}

/** The service's own code, e.g. BlobAlreadyExists. A HEAD response has no body, so its code is in a header. */
export function serviceCodeOf(error: unknown): string | undefined {
  if (!(error instanceof RestError)) return undefined;
  return error.response?.headers.get('x-ms-error-code') ?? error.code;
}

export function isMissingBlob(error: unknown): boolean {
  return statusOf(error) === 404 && !isMissingContainer(error);
}

function isMissingContainer(error: unknown): boolean {
  return serviceCodeOf(error) === 'ContainerNotFound';
}

/**
 * A create-only write met an object. Azure answers 409 BlobAlreadyExists, with a hierarchical namespace also
 * 409 PathAlreadyExists, and on some paths 412; other 409s (lease, container being deleted, archived) are no such thing.
 */
export function isAlreadyThere(error: unknown): boolean {
  const status = statusOf(error);
  const code = serviceCodeOf(error);
  return status === 412 || (status === 409 && (code === 'BlobAlreadyExists' || code === 'PathAlreadyExists'));
}

/** A failed condition outside a create-only write: the object was replaced while the SDK was reading it. */
function isTransient(status: number, code: string | undefined): boolean {
  return status === 408 || status === 429 || status >= 500 || code === 'ConditionNotMet';
}

/** Errors of `@azure/identity`: no token could be had. */
function isSignInError(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(CredentialUnavailableError|AuthenticationError|AuthenticationRequiredError|AggregateAuthenticationError)$/.test(
      error.name,
    )
  );
}

function answerOf(error: RestError): string {
  const code = serviceCodeOf(error) ?? 'no error code';
  const requestId = error.response?.headers.get('x-ms-request-id');
  return `${error.statusCode} ${code}${requestId === undefined ? '' : `, request ${requestId}`}`;
}

/**
 * @param role that the identity lacks when access is denied
 * @returns the error without what a message of the SDK might quote: URLs, headers, the string to sign
 */
export function storageError(
  error: unknown,
  operation: BlobOperation,
  role = 'Storage Blob Data Contributor',
): TributaryError {
  if (error instanceof TributaryError) return error;
  const what = operation();
  if (isSignInError(error)) {
    return new TributaryError(
      'STORAGE_DENIED',
      `Could not ${what}: no credential was accepted (${(error as Error).name}). Sign in, or check the app's managed identity.`,
    );
  }
  if (!(error instanceof RestError) || error.statusCode === undefined) return noAnswer(error, what);
  return answered(error, error.statusCode, what, role);
}

function noAnswer(error: unknown, what: string): TributaryError {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  const reason = typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown reason';
  return new TributaryError(
    'STORAGE_UNAVAILABLE',
    `Could not ${what}: the storage service gave no complete answer (${reason}).`,
  );
}

function answered(error: RestError, status: number, what: string, role: string): TributaryError {
  const answer = answerOf(error);
  if (status === 401 || status === 403) {
    return new TributaryError(
      'STORAGE_DENIED',
      `Could not ${what}: access denied (${answer}). Give the identity the role ${role}, or check the connection string and the account's network rules.`,
    );
  }
  if (isMissingContainer(error)) {
    return new TributaryError(
      'STORAGE_CONTAINER_NOT_FOUND',
      `Could not ${what}: the container does not exist (${answer}). Create it, or correct the setting that names it.`,
    );
  }
  if (isTransient(status, serviceCodeOf(error))) {
    return new TributaryError(
      'STORAGE_UNAVAILABLE',
      `Could not ${what}: the storage service answered ${answer}.`,
    );
  }
  return new TributaryError(
    'STORAGE_REJECTED',
    `Could not ${what}: the storage service refused (${answer}). Look for a lease, a legal hold, an immutability policy or a container being deleted.`,
  );
}
