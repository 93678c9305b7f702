// Pure. Absolute URIs in a table's log, as Azure's storage services are addressed by the engines that wrote them.

export interface AzureLocation {
  /** The storage account, or OneLake's `onelake`. */
  readonly account: string;
  readonly container: string;
  /** Of the object below its container, decoded. */
  readonly path: string;
}

/** `abfss://container@account.dfs.core.windows.net/path`, and the older `wasbs` for the Blob service. */
const hadoopUri = /^(?:abfss?|wasbs?):\/\/([^@/]+)@([^./]+)\.[^/]+\/(.*)$/i;
/** `https://account.blob.core.windows.net/container/path`, also of the Data Lake endpoint. */
const httpUri = /^https?:\/\/([^./]+)\.(?:blob|dfs)\.[^/]+\/([^/]+)\/([^?#]*)/i;

/** Decodes exactly once. Undefined for URIs of other storages, and for broken escapes. */
export function parseAzureUri(uri: string): AzureLocation | undefined {
  const hadoop = hadoopUri.exec(uri);
  const http = httpUri.exec(uri);
  try {
    if (hadoop !== null) return located(hadoop[2], hadoop[1], hadoop[3]);
    if (http !== null) return located(http[1], http[2], http[3]);
  } catch {
    return undefined; // decodeURIComponent refuses what is no encoded text
  }
  return undefined;
}

function located(account = '', container = '', path = ''): AzureLocation {
  return { account, container: decodeURIComponent(container), path: decodeURIComponent(path) };
}
