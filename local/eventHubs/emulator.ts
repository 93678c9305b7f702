// The Event Hubs emulator as a whole: options, hubs, server, and what happens when it stops.
import {
  type Clock,
  describeError,
  type Logger,
  type Random,
  silentLogger,
  systemClock,
  systemRandom,
} from '../../shared/base/index.js';
import { AmqpServer } from './amqpServer.js';
import { DataFolder } from './dataFolder.js';
import type { BrokerServices } from './endpoint.js';
import { type EmulatorFaults, FaultSwitches } from './faults.js';
import { type HubOptions, HubStore } from './hub.js';

export interface EventHubsEmulatorOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Default: 127.0.0.1, and ::1 where this machine has it, so that `localhost` works either way. */
  readonly host?: string;
  /** Where events are kept. Absent: memory only. */
  readonly dataFolder?: string;
  readonly hubs: readonly HubOptions[];
  /** Default 24 hours. */
  readonly retentionMs?: number;
  /** Largest batch, as clients are told. Default 1,048,576, that of the standard tier. */
  readonly maxMessageBytes?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
}

export interface EventHubsEmulator {
  readonly port: number;
  /** Of the namespace: name the hub beside it, as the second argument of a client. */
  readonly connectionString: string;
  readonly faults: EmulatorFaults;
  /** @throws TributaryError CONFIG_INVALID, LOCAL_STATE_MISMATCH */
  createHub(hub: HubOptions): void;
  /** Detaches its clients and deletes its events. A hub created again begins at sequence number 0. */
  deleteHub(hubName: string): void;
  /** Drops all connections and frees the port and the data folder. May be called twice. */
  stop(): Promise<void>;
}

const defaultRetentionMs = 24 * 60 * 60 * 1000;
const defaultMaxMessageBytes = 1_048_576;
const maxExpiryIntervalMs = 60_000;

/** @throws TributaryError CONFIG_INVALID, LOCAL_PORT_IN_USE, LOCAL_STATE_MISMATCH, LOCAL_START_FAILED */
export async function startEventHubsEmulator(options: EventHubsEmulatorOptions): Promise<EventHubsEmulator> {
  const stopping = new AbortController();
  const services: BrokerServices = {
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    logger: options.logger ?? silentLogger,
    faults: new FaultSwitches(),
    maxMessageBytes: options.maxMessageBytes ?? defaultMaxMessageBytes,
    stopSignal: stopping.signal,
  };
  const retentionMs = options.retentionMs ?? defaultRetentionMs;
  const folder = options.dataFolder === undefined ? undefined : new DataFolder(options.dataFolder);
  const hubs = new HubStore({ folder, retentionMs, clock: services.clock, logger: services.logger });
  const server = new AmqpServer(hubs, services);
  const stop = async () => {
    stopping.abort();
    await server.stop();
    hubs.close();
    folder?.unlock();
  };
  try {
    for (const hub of options.hubs) hubs.create(hub);
    const hosts = options.host === undefined ? ['127.0.0.1', '::1'] : [options.host];
    const port = await server.listen(hosts, options.port);
    void deleteExpired(hubs, services, Math.min(retentionMs / 4, maxExpiryIntervalMs));
    return {
      port,
      connectionString: connectionStringFor(options.host, port),
      faults: faultsOf(server, services.faults),
      createHub(hub) {
        hubs.create(hub);
      },
      deleteHub(hubName) {
        const hub = hubs.delete(hubName);
        if (hub !== undefined) server.detachHub(hub);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function faultsOf(server: AmqpServer, switches: FaultSwitches): EmulatorFaults {
  const detachForced = {
    condition: 'amqp:link:detach-forced',
    description: 'The link was detached on purpose by a fault switch of the emulator.',
  };
  return {
    refuseSends: (fault) => switches.refuseSends(fault),
    delaySends: (fault) => switches.delaySends(fault),
    loseAcknowledgements: (fault) => switches.loseAcknowledgements(fault),
    refuseReceivers: (fault) => switches.refuseReceivers(fault),
    detachReceivers: (error = detachForced) => server.detachReceivers(error),
    dropConnections: () => server.dropConnections(),
    clear: () => switches.clear(),
  };
}

async function deleteExpired(hubs: HubStore, services: BrokerServices, intervalMs: number): Promise<void> {
  const { clock, stopSignal } = services;
  while (!stopSignal.aborted) {
    try {
      hubs.deleteExpired();
    } catch (error) {
      services.logger.log('warn', `Expired events could not be deleted: ${describeError(error)}`);
    }
    await clock.sleep(intervalMs, stopSignal);
  }
}

/** The key protects nothing, but clients insist on one. */
function connectionStringFor(host: string | undefined, port: number): string {
  const isLocal = host === undefined || host === '127.0.0.1' || host === '0.0.0.0' || host === '::';
  const name = isLocal ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `Endpoint=sb://${name}:${port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=local;UseDevelopmentEmulator=true`;
}
