// Storage accounts as settings name them, in the way of the host: `<connection>` is a connection string, or
// `<connection>__blobServiceUri` and `__tableServiceUri` are addresses to be used with an identity, of which
// `<connection>__clientId` names a user-assigned one.
import { TableClient } from '@azure/data-tables';
import { DefaultAzureCredential } from '@azure/identity';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { TributaryError } from '../base/index.js';

export interface AccountSettings {
  readonly settings: Readonly<Record<string, string | undefined>>;
  /** Prefix of the settings, e.g. `LakeStorage`. */
  readonly connection: string;
  /** What is kept there, for the message when no setting says where: "the tables". */
  readonly holds: string;
}

/** Of the table service. */
const maxTableName = 63;

/** @throws TributaryError SETTING_MISSING */
export function blobContainerOf(account: AccountSettings, container: string): ContainerClient {
  const place = placeOf(account);
  const service =
    place.kind === 'connectionString'
      ? BlobServiceClient.fromConnectionString(place.connectionString)
      : new BlobServiceClient(place.blobServiceUri, place.credential);
  return service.getContainerClient(container);
}

/**
 * A small table beside a container. Its name carries that of the container, so that two lakes in one account do not meet.
 * @throws TributaryError SETTING_MISSING
 */
export function tableBesideContainer(
  account: AccountSettings,
  purpose: string,
  container: string,
): TableClient {
  const name = `${purpose}${container.replaceAll('-', '')}`.slice(0, maxTableName);
  const place = placeOf(account);
  if (place.kind === 'connectionString') {
    // Azurite speaks HTTP; Azure's own connection strings say HTTPS.
    return TableClient.fromConnectionString(place.connectionString, name, { allowInsecureConnection: true });
  }
  return new TableClient(place.tableServiceUri, name, place.credential);
}

type AccountPlace =
  | { readonly kind: 'connectionString'; readonly connectionString: string }
  | {
      readonly kind: 'identity';
      readonly blobServiceUri: string;
      readonly tableServiceUri: string;
      readonly credential: DefaultAzureCredential;
    };

function placeOf({ settings, connection, holds }: AccountSettings): AccountPlace {
  const connectionString = settings[connection];
  if (connectionString !== undefined && connectionString !== '') {
    return { kind: 'connectionString', connectionString };
  }
  const blobServiceUri = settings[`${connection}__blobServiceUri`];
  if (blobServiceUri === undefined || blobServiceUri === '') {
    throw new TributaryError(
      'SETTING_MISSING',
      `Where are ${holds}? Set ${connection}__blobServiceUri to the storage account (https://<account>.blob.core.windows.net), ` +
        `to use the identity of the app, or ${connection} to a connection string.`,
    );
  }
  const clientId = settings[`${connection}__clientId`];
  return {
    kind: 'identity',
    blobServiceUri,
    tableServiceUri:
      settings[`${connection}__tableServiceUri`] ?? blobServiceUri.replace('.blob.', '.table.'),
    credential: new DefaultAzureCredential(
      clientId === undefined ? {} : { managedIdentityClientId: clientId },
    ),
  };
}
