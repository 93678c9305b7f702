// What `npm start` takes on the command line, and the fleet that follows from it. No I/O.
import {
  type CommandDefinition,
  noPositionals,
  type OptionDefinitions,
  type OptionValues,
} from '../commandLine/arguments.js';
import { defaultMix, type FleetMix } from '../simulator/index.js';
import { defaultStateFolder } from '../stack/stackState.js';

const port = (fallback: number, description: string) =>
  ({ kind: 'integer', minimum: 0, maximum: 65_535, fallback, description }) as const;
const share = (fallback: number, description: string) =>
  ({ kind: 'number', minimum: 0, maximum: 1, fallback, description, placeholder: '0..1' }) as const;

export const startCommand = {
  invocation: 'npm start --',
  summary:
    'Starts the whole pipeline on this machine: Azurite, the Event Hubs emulator, the Functions host with the app, and a fleet ' +
    'of simulated devices. State is kept, so the next start goes on where this one stopped.',
  positionals: noPositionals,
  options: {
    devices: {
      kind: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      fallback: 100,
      description: 'simulated devices',
    },
    rate: {
      kind: 'number',
      minimum: 0.1,
      maximum: 100_000,
      fallback: 1000,
      description: 'events per second of the whole fleet',
    },
    duration: {
      kind: 'duration',
      minimumMs: 1000,
      maximumMs: 365 * 86_400_000,
      description: 'stop by itself after simulating this long, when everything is committed',
    },
    seed: {
      kind: 'integer',
      minimum: 0,
      maximum: 2 ** 32 - 1,
      fallback: 1,
      description: 'the same seed simulates the same fleet',
    },
    nested: share(defaultMix.nested, 'share of events with nested objects'),
    duplicates: share(defaultMix.duplicates, 'share of events that repeat an earlier body'),
    late: share(defaultMix.late, 'share of events 20 minutes to 2 hours late'),
    malformed: share(defaultMix.malformed, 'share of events that are broken in one of seven ways'),
    'clock-skew': share(0.01, 'share of devices whose clock runs ahead; their readings go to quarantine'),
    'no-simulate': { kind: 'flag', description: 'start everything but the devices, and print where to send' },
    partitions: {
      kind: 'integer',
      minimum: 1,
      maximum: 32,
      description: 'partitions of the event hub, which may grow later but never shrink (default 4 at first)',
    },
    'blob-port': port(10000, 'Azurite blobs; 0 takes a free port, also below'),
    'queue-port': port(10001, 'Azurite queues'),
    'table-port': port(10002, 'Azurite tables'),
    'event-hubs-port': port(5672, 'Event Hubs emulator'),
    port: port(7071, 'Functions host'),
    state: {
      kind: 'text',
      placeholder: 'FOLDER',
      fallback: defaultStateFolder,
      description: 'where events, tables and logs are kept',
    },
    reset: { kind: 'flag', description: 'delete the kept state first' },
    plain: { kind: 'flag', description: 'append status lines instead of redrawing the screen' },
  },
  examples: [
    ['npm start', '100 devices, 1,000 events a second'],
    ['npm start -- --devices 5000 --rate 6000', 'more of both'],
    ['npm start -- --duration 30s --plain', 'half a minute, then a summary'],
    ['npm start -- --no-simulate', 'send your own events instead'],
    ['npm start -- --reset', 'begin with empty tables'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

export type StartOptions = OptionValues<typeof startCommand.options>;

type ChosenShare = 'nested' | 'duplicates' | 'late' | 'malformed';

/** The four shares as asked for; kinds without an option get what they usually get, or what is left. */
export function mixOf(options: Pick<StartOptions, ChosenShare>): FleetMix {
  const { nested, duplicates, late, malformed } = options;
  const { outOfOrder, arrays, gzip, unknownFields } = defaultMix;
  const left = Math.max(0, 1 - nested - duplicates - late - malformed);
  const scale = Math.min(1, left / (outOfOrder + arrays + gzip + unknownFields));
  return {
    ...{ nested, duplicates, late, malformed },
    outOfOrder: outOfOrder * scale,
    arrays: arrays * scale,
    gzip: gzip * scale,
    unknownFields: unknownFields * scale,
  };
}

/** Undefined when the shares leave room for each other. */
export function shareProblem(options: Pick<StartOptions, ChosenShare>): string | undefined {
  const sum = options.nested + options.duplicates + options.late + options.malformed;
  if (sum <= 1 + 1e-9) return undefined;
  return `--nested, --duplicates, --late and --malformed are shares of one whole; together they make ${sum.toFixed(3)}, which is more than 1.`;
}
