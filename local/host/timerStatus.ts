// When a timer ran last and should run next, kept in a blob so that a run missed while no host was up is noticed.
import type { ContainerClient } from '@azure/storage-blob';
import { isNotFound } from './storageAccount.js';

/** Milliseconds UTC. */
export interface TimerStatus {
  /** Undefined before the first run. */
  readonly lastMs: number | undefined;
  readonly nextMs: number;
  readonly lastUpdatedMs: number;
}

/** .NET's DateTime.MinValue: what a timer that never ran reports. */
const neverText = '0001-01-01T00:00:00';

export function timerStatusName(hostId: string, functionName: string): string {
  return `timers/${hostId}/Host.Functions.${functionName}/status`;
}

/** In the form that the real host stores and hands to the function. */
export function timerStatusJson(status: TimerStatus) {
  return {
    Last: status.lastMs === undefined ? neverText : new Date(status.lastMs).toISOString(),
    Next: new Date(status.nextMs).toISOString(),
    LastUpdated: new Date(status.lastUpdatedMs).toISOString(),
  };
}

/** @returns undefined when there is none, or when it cannot be understood and so tells nothing */
export function parseTimerStatus(text: string): TimerStatus | undefined {
  try {
    const { Last, Next, LastUpdated } = JSON.parse(text) as Record<string, unknown>;
    const nextMs = Date.parse(String(Next));
    const lastUpdatedMs = Date.parse(String(LastUpdated));
    if (Number.isNaN(nextMs) || Number.isNaN(lastUpdatedMs)) return undefined;
    const lastMs = String(Last).startsWith('0001') ? undefined : Date.parse(String(Last));
    return { lastMs: Number.isNaN(lastMs) ? undefined : lastMs, nextMs, lastUpdatedMs };
  } catch {
    // A status cut short by a crash: the timer starts as if it were new.
    return undefined;
  }
}

export async function readTimerStatus(
  container: ContainerClient,
  name: string,
): Promise<TimerStatus | undefined> {
  try {
    return parseTimerStatus((await container.getBlockBlobClient(name).downloadToBuffer()).toString());
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export async function writeTimerStatus(
  container: ContainerClient,
  name: string,
  status: TimerStatus,
): Promise<void> {
  const text = JSON.stringify(timerStatusJson(status));
  await container.getBlockBlobClient(name).upload(text, Buffer.byteLength(text));
}
