// Starts an orchestration unless one of its id is at work already.

/** The part of a Durable client that is needed; this folder knows nothing of the library. */
export interface OrchestrationStarter {
  /** Rejects when there never was such an instance. */
  getStatus(instanceId: string): Promise<{ readonly runtimeStatus: string }>;
  /** Rejects, among other reasons, when an instance of this id is running. */
  startNew(
    orchestration: string,
    options: { readonly instanceId: string; readonly input: unknown },
  ): Promise<string>;
}

const atWork: readonly string[] = ['Pending', 'Running', 'ContinuedAsNew', 'Suspended'];

/**
 * Starting one that runs is an error in the real host, and another instance of the app may start it between the look and
 * the start: that is no failure.
 * @returns whether this call started it
 */
export async function startSingleton(
  client: OrchestrationStarter,
  orchestration: string,
  options: { readonly instanceId: string; readonly input: unknown },
): Promise<boolean> {
  if (await isAtWork(client, options.instanceId)) return false;
  try {
    await client.startNew(orchestration, options);
    return true;
  } catch (error) {
    if (await isAtWork(client, options.instanceId)) return false;
    throw error;
  }
}

async function isAtWork(client: OrchestrationStarter, instanceId: string): Promise<boolean> {
  try {
    const { runtimeStatus } = await client.getStatus(instanceId);
    return atWork.includes(runtimeStatus);
  } catch {
    return false; // never started; had the client failed for another reason, the start fails too and says so
  }
}
