// What `npm run send` takes on the command line. No I/O.

import type { CommandDefinition, OptionDefinitions, OptionValues } from '../commandLine/arguments.js';
import { stateOption } from '../commandLine/commonOptions.js';

export const sendCommand = {
  invocation: 'npm run send --',
  summary:
    'Publishes readings to the event hub of a running npm start. A file is a JSON array of readings, one JSON object, or one ' +
    'object a line (NDJSON), as it is or gzip-compressed.',
  positionals: {
    name: 'FILE...',
    minimum: 1,
    maximum: Number.POSITIVE_INFINITY,
    description: 'files to send, in this order; - reads standard input',
  },
  options: {
    hub: {
      kind: 'text',
      placeholder: 'NAME',
      description: 'event hub (default the one that the pipeline reads)',
    },
    'device-key': {
      kind: 'text',
      placeholder: 'PATH',
      fallback: 'deviceId',
      description: 'where a reading names its device, e.g. device.id; one device goes to one partition',
    },
    batch: {
      kind: 'integer',
      minimum: 1,
      maximum: 10_000,
      fallback: 1,
      description: 'readings per event; more than one makes the body a JSON array',
    },
    'whole-file': { kind: 'flag', description: 'send each file as one event, as it is' },
    rate: {
      kind: 'number',
      minimum: 0.1,
      maximum: 1_000_000,
      description: 'events per second (default as fast as the hub takes them)',
    },
    'skip-bad': { kind: 'flag', description: 'exit with 0 although some lines could not be sent' },
    state: stateOption,
  },
  examples: [
    ['npm run send -- readings.json', 'one event per reading'],
    ['npm run send -- --batch 10 day1.ndjson.gz day2.ndjson.gz', 'ten readings an event'],
    ['npm run send -- --whole-file iot_sample.json', 'the array as one event'],
    ['tail -f device.log | npm run --silent send -- -', 'as lines are written'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

export type SendOptions = OptionValues<typeof sendCommand.options>;
