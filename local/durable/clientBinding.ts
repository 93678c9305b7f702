// Pure. The value of a `durableClient` input: where the library finds the hub's HTTP API. (Durable contract, section 4.1.)

/** Below the host's address, as in the real host. */
export const apiPath = 'runtime/webhooks/durabletask';
export const taskHubName = 'Local';
const connectionName = 'Storage';

/** @param hostUrl without a slash at its end */
export function clientBindingValue(hostUrl: string): string {
  const base = `${hostUrl}/${apiPath}`;
  const query = `taskHub=${taskHubName}&connection=${connectionName}`;
  // The library replaces this text by the id it is asked about.
  const id = 'INSTANCEID';
  const instance = `${base}/instances/${id}`;
  return JSON.stringify({
    taskHubName,
    connectionName,
    creationUrls: {
      createNewInstancePostUri: `${base}/orchestrators/{functionName}[/{instanceId}]?${query}`,
      createAndWaitOnNewInstancePostUri: `${base}/orchestrators/{functionName}[/{instanceId}]?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&${query}`,
    },
    managementUrls: managementUrls(id, instance, query),
    baseUrl: base,
    requiredQueryStringParameters: query,
    // Without the slash the library would take the templates above.
    rpcBaseUrl: `${base}/`,
  });
}

function managementUrls(id: string, instance: string, query: string): Record<string, string> {
  return {
    id,
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
    rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
    resumePostUri: `${instance}/resume?reason={text}&${query}`,
  };
}

/** What a start by HTTP answers with: the URLs about the new instance. */
export function startAnswer(hostUrl: string, instanceId: string): Record<string, string> {
  const query = `taskHub=${taskHubName}&connection=${connectionName}`;
  return managementUrls(
    instanceId,
    `${hostUrl}/${apiPath}/instances/${encodeURIComponent(instanceId)}`,
    query,
  );
}
