// The Functions host as a command: `node dist/local/host/cli.js --app . --port 7071`.
import { createLogger, describeError, systemClock } from '../../shared/base/index.js';
import {
  type CommandDefinition,
  helpText,
  noPositionals,
  type OptionDefinitions,
  parseCommand,
} from '../commandLine/arguments.js';
import { parseFaults } from '../durable/index.js';
import { type FunctionsHost, startFunctionsHost } from './host.js';

const options = {
  app: {
    kind: 'text',
    placeholder: 'FOLDER',
    fallback: '.',
    description: 'folder of the function app, built',
  },
  port: {
    kind: 'integer',
    minimum: 0,
    maximum: 65_535,
    fallback: 7071,
    description: 'for HTTP functions and admin endpoints, on 127.0.0.1; 0 takes a free one',
  },
  setting: {
    kind: 'text',
    placeholder: 'NAME=VALUE',
    description: 'an app setting, stronger than the environment and local.settings.json; may be repeated',
  },
  instance: {
    kind: 'text',
    placeholder: 'NAME',
    description:
      "this host's name among others on the same hubs; a host that comes back under its name goes on at once (default: this machine and the port)",
  },
  'reset-checkpoints': {
    kind: 'flag',
    description: "delete the checkpoints of the app's event hubs first, to read them from their start",
  },
  'durable-data': {
    kind: 'text',
    placeholder: 'FOLDER',
    description: 'orchestrations and entities (default: .local/durable in the app)',
  },
  'durable-faults': {
    kind: 'text',
    placeholder: 'LIST',
    description: 'probabilities, e.g. duplicate=0.2,delay=0.3,rerun=0.1',
  },
  verbose: { kind: 'flag', description: 'also log each invocation and how partitions move between hosts' },
} as const satisfies OptionDefinitions;

const command: CommandDefinition<typeof options> = {
  invocation: 'node dist/local/host/cli.js',
  summary:
    'Runs a function app on this machine: event hub, timer, HTTP, blob and Durable triggers, through the unmodified library.',
  positionals: noPositionals,
  options,
  examples: [
    ['node dist/local/host/cli.js --app . --port 7071', 'the app in this folder'],
    ['node dist/local/host/cli.js --setting EventHubs="Endpoint=..."', 'another event hub'],
  ],
};

await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  const { settings, rest, invalid } = takeSettings(argv);
  const parsed = parseCommand(command, rest);
  if (parsed.kind === 'help') {
    console.log(helpText(command));
    return;
  }
  if (parsed.kind === 'invalid' || invalid !== undefined) {
    console.error(parsed.kind === 'invalid' ? parsed.message : invalid);
    process.exitCode = 2;
    return;
  }
  const { app, port, instance, verbose } = parsed.options;
  const { 'durable-data': durableFolder, 'durable-faults': durableFaults } = parsed.options;
  const stopped = new AbortController();
  const signalled = firstSignal(stopped);
  try {
    const host = await startFunctionsHost({
      appFolder: app,
      port,
      settings,
      resetCheckpoints: parsed.options['reset-checkpoints'],
      ...(instance === undefined ? {} : { instance }),
      ...(durableFolder === undefined ? {} : { durableFolder }),
      ...(durableFaults === undefined ? {} : { durableFaults: parseFaults(durableFaults) }),
      logger: createLogger((line, level) => {
        if (verbose || level !== 'debug') console.log(`${timeOfDay()} ${level.padEnd(5)} ${line}`);
      }),
    });
    announce(host);
    await signalled;
    console.log('Functions host is stopping; press Ctrl-C again to end it at once.');
    await host.stop();
    process.exit(0);
  } catch (error) {
    console.error(describeError(error));
    process.exit(1);
  }
}

/** `--setting` is the one option that may be given more than once, so it is taken out first. */
function takeSettings(argv: readonly string[]) {
  const settings: Record<string, string> = {};
  const rest: string[] = [];
  let invalid: string | undefined;
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? '';
    if (argument !== '--setting' && !argument.startsWith('--setting=')) {
      rest.push(argument);
      continue;
    }
    const pair = argument === '--setting' ? (argv[++index] ?? '') : argument.slice('--setting='.length);
    const equals = pair.indexOf('=');
    if (equals < 1) invalid = `--setting needs NAME=VALUE, not "${pair}".`;
    else settings[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return { settings, rest, invalid };
}

function announce({ functions, url }: FunctionsHost): void {
  const width = Math.max(...functions.map(({ name }) => name.length));
  console.log('Functions:');
  for (const { name, triggerType } of functions) console.log(`  ${name.padEnd(width)}  ${triggerType}`);
  console.log(`Functions host is listening on ${url}`);
}

/** Resolves at the first signal; the second one ends the process without waiting for anything. */
function firstSignal(stopped: AbortController): Promise<void> {
  return new Promise((resolve) => {
    const onSignal = () => {
      if (stopped.signal.aborted) process.exit(1);
      stopped.abort();
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

function timeOfDay(): string {
  return new Date(systemClock.nowMs()).toISOString().slice(11, 23);
}
