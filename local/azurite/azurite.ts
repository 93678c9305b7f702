// Azurite, Microsoft's storage emulator from npm, as a child process: blobs, queues and tables on this machine.
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type ChildService, startChildService } from '../stack/childService.js';

export interface AzuriteOptions {
  /** Where its state lives. */
  readonly folder: string;
  /** Ports; 0 takes a free one. Defaults 10000, 10001, 10002, as tools such as Storage Explorer expect. */
  readonly blobPort?: number;
  readonly queuePort?: number;
  readonly tablePort?: number;
  readonly onLine?: (line: string) => void;
}

export interface Azurite {
  readonly connectionString: string;
  readonly blobPort: number;
  readonly queuePort: number;
  readonly tablePort: number;
  readonly service: ChildService;
  stop(): Promise<void>;
}

/** The account name and key that Microsoft publishes for every storage emulator; they protect nothing. */
export const emulatorAccount = 'devstoreaccount1';
export const emulatorKey =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

const listening = /Azurite (Blob|Queue|Table) service is successfully listening at http:\/\/[^:]+:(\d+)/;

/** @throws TributaryError LOCAL_START_FAILED, e.g. when a port is taken */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  mkdirSync(options.folder, { recursive: true });
  const ports: Record<string, number> = {};
  const service = await startChildService({
    name: 'Azurite',
    script: createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js'),
    preload: new URL('quickLookups.js', import.meta.url).href,
    args: [
      '--silent',
      '--skipApiVersionCheck',
      '--disableTelemetry',
      ...['--location', options.folder],
      ...['--blobPort', String(options.blobPort ?? 10000)],
      ...['--queuePort', String(options.queuePort ?? 10001)],
      ...['--tablePort', String(options.tablePort ?? 10002)],
    ],
    isReady(line) {
      const match = listening.exec(line);
      if (match?.[1] !== undefined) ports[match[1]] = Number(match[2]);
      return Object.keys(ports).length === 3;
    },
    ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
  });
  const { Blob: blobPort = 0, Queue: queuePort = 0, Table: tablePort = 0 } = ports;
  return {
    connectionString: azuriteConnectionString({ blobPort, queuePort, tablePort }),
    blobPort,
    queuePort,
    tablePort,
    service,
    stop: () => service.stop(),
  };
}

export function azuriteConnectionString(ports: {
  readonly blobPort: number;
  readonly queuePort: number;
  readonly tablePort: number;
}): string {
  return [
    'DefaultEndpointsProtocol=http',
    `AccountName=${emulatorAccount}`,
    `AccountKey=${emulatorKey}`,
    `BlobEndpoint=http://127.0.0.1:${ports.blobPort}/${emulatorAccount}`,
    `QueueEndpoint=http://127.0.0.1:${ports.queuePort}/${emulatorAccount}`,
    `TableEndpoint=http://127.0.0.1:${ports.tablePort}/${emulatorAccount}`,
  ].join(';');
}
