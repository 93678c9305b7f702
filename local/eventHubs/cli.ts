// The emulator as a program of its own: node dist/local/eventHubs/cli.js --hub sensor-data:4
import { parseArgs } from 'node:util';
import { createLogger, describeError, TributaryError } from '../../shared/base/index.js';
import { type EventHubsEmulatorOptions, type HubOptions, startEventHubsEmulator } from './index.js';

const usage = `Event Hubs emulator: serves unmodified @azure/event-hubs clients on this machine.

Usage: node dist/local/eventHubs/cli.js --hub NAME:PARTITIONS[:GROUP,GROUP...] [options]

  --hub NAME:PARTITIONS[:GROUPS]  an event hub; repeat for more. The consumer group $Default is always there
  --port PORT                     default 5672; 0 takes a free one
  --host ADDRESS                  default 127.0.0.1 and ::1
  --data FOLDER                   keeps events here; without it they live in memory only
  --retention-hours HOURS         default 24
  --help                          shows this text

Connect with the printed connection string and the hub's name. SIGINT or SIGTERM stops the emulator.`;

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(describeError(error));
  process.exitCode = 1;
}

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (options === undefined) {
    console.log(usage);
    return;
  }
  const emulator = await startEventHubsEmulator(options);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Nothing is left to do once it has stopped, so the process ends by itself.
    process.once(signal, () => void emulator.stop());
  }
  console.log(
    `Event Hubs emulator is listening on port ${emulator.port}, connection string: ${emulator.connectionString}`,
  );
}

/** @returns undefined when help is wanted */
function readOptions(args: readonly string[]): EventHubsEmulatorOptions | undefined {
  const values = parse(args);
  if (values.help === true) return undefined;
  const hubs = (values.hub ?? []).map(readHub);
  if (hubs.length === 0)
    throw invalid('No event hub is named. Add --hub NAME:PARTITIONS, e.g. --hub sensor-data:4.');
  const retentionHours = Number(values['retention-hours'] ?? 24);
  if (!(retentionHours > 0)) {
    throw invalid(`--retention-hours ${values['retention-hours']} is not a number above 0.`);
  }
  const port = Number(values.port ?? 5672);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid(`--port ${values.port} is not a port number from 0 to 65535.`);
  }
  return {
    port,
    hubs,
    retentionMs: retentionHours * 3_600_000,
    logger: createLogger((line) => console.error(line)),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.data === undefined ? {} : { dataFolder: values.data }),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        hub: { type: 'string', multiple: true },
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        'retention-hours': { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw invalid(`${describeError(error)} See --help.`);
  }
}

function readHub(text: string): HubOptions {
  const [name = '', partitions = '', groups, ...rest] = text.split(':');
  if (name === '' || !/^\d+$/.test(partitions) || rest.length > 0) {
    throw invalid(`--hub ${text} is not NAME:PARTITIONS or NAME:PARTITIONS:GROUP,GROUP, e.g. sensor-data:4.`);
  }
  return {
    name,
    partitionCount: Number(partitions),
    ...(groups === undefined ? {} : { consumerGroups: groups.split(',') }),
  };
}

function invalid(message: string): TributaryError {
  return new TributaryError('CONFIG_INVALID', message);
}
