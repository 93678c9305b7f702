import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CommandDefinition,
  closestName,
  helpText,
  noPositionals,
  type OptionDefinitions,
  optionKeptByNpm,
  parseCommand,
} from '../../../local/commandLine/arguments.js';
import { sendCommand } from '../../../local/sending/sendArguments.js';
import { mixOf, shareProblem, startCommand } from '../../../local/starting/startArguments.js';
import { subscribeCommand } from '../../../local/subscribing/subscribeArguments.js';

const command = {
  invocation: 'npm run bake --',
  summary: 'Bakes.',
  positionals: { name: 'CAKE...', minimum: 1, maximum: 2, description: 'what to bake' },
  options: {
    degrees: {
      kind: 'integer',
      minimum: 50,
      maximum: 250,
      fallback: 180,
      description: 'how hot',
    },
    weight: { kind: 'number', minimum: 0, maximum: 5000, description: 'in grams' },
    time: { kind: 'duration', minimumMs: 1000, maximumMs: 7_200_000, description: 'how long' },
    toppings: { kind: 'list', description: 'on top' },
    name: { kind: 'text', fallback: 'cake', description: 'on the box' },
    fan: { kind: 'flag', description: 'with the fan' },
  },
  examples: [['npm run bake -- pie', 'a pie']],
} as const satisfies CommandDefinition<OptionDefinitions>;

function messageFor(...argv: string[]): string {
  const parsed = parseCommand(command, argv);
  assert.equal(parsed.kind, 'invalid');
  return parsed.kind === 'invalid' ? (parsed.message.split('\n')[0] ?? '') : '';
}

describe('arguments', () => {
  it('are taken in any order and form, with defaults for the rest', () => {
    const parsed = parseCommand(command, [
      '--fan',
      'pie',
      '--degrees=200',
      '--time',
      '1.5m',
      '--toppings',
      'plum, nut',
    ]);
    assert.deepEqual(parsed, {
      kind: 'run',
      positionals: ['pie'],
      options: {
        degrees: 200,
        weight: undefined,
        time: 90_000,
        toppings: ['plum', 'nut'],
        name: 'cake',
        fan: true,
      },
    });
  });

  it('may write thousands as people do, and seconds without a unit', () => {
    const parsed = parseCommand(command, ['pie', '--weight', '1,500', '--time', '90']);
    assert.ok(parsed.kind === 'run');
    assert.equal(parsed.options.weight, 1500);
    assert.equal(parsed.options.time, 90_000);
  });

  it('that come after two dashes are not options', () => {
    const parsed = parseCommand(command, ['--', '--fan']);
    assert.ok(parsed.kind === 'run');
    assert.deepEqual(parsed.positionals, ['--fan']);
    assert.equal(parsed.options.fan, false);
  });

  it('ask for help whatever else is wrong with them', () => {
    assert.equal(parseCommand(command, ['--help']).kind, 'help');
    assert.equal(parseCommand(command, ['-h', '--degrees', 'hot']).kind, 'help');
  });

  const mistakes: readonly [name: string, argv: string[], message: string][] = [
    ['a misspelt option', ['pie', '--degree', '9'], 'There is no option --degree. Did you mean --degrees?'],
    ['swapped letters', ['pie', '--fna'], 'There is no option --fna. Did you mean --fan?'],
    ['an option like no other', ['pie', '--quickly'], 'There is no option --quickly.'],
    ['an unknown short option', ['pie', '-x'], 'There is no option -x.'],
    [
      'an option named like an inherited property',
      ['pie', '--constructor'],
      'There is no option --constructor.',
    ],
    ['a missing value', ['pie', '--degrees'], '--degrees needs a value: --degrees N'],
    ['an option where a value should be', ['pie', '--name', '--fan'], '--name needs a value: --name TEXT'],
    ['a value for a switch', ['pie', '--fan=no'], '--fan is a switch and takes no value (it got "no").'],
    [
      'a word for a number',
      ['pie', '--degrees', 'hot'],
      '--degrees must be a whole number from 50 to 250, not "hot".',
    ],
    [
      'a fraction for a whole number',
      ['pie', '--degrees', '180.5'],
      '--degrees must be a whole number from 50 to 250, not "180.5".',
    ],
    [
      'a number out of range',
      ['pie', '--degrees', '-5'],
      '--degrees must be a whole number from 50 to 250, not "-5".',
    ],
    [
      'a hexadecimal number',
      ['pie', '--weight', '0x10'],
      '--weight must be a number from 0 to 5000, not "0x10".',
    ],
    ['an empty number', ['pie', '--weight='], '--weight must be a number from 0 to 5000, not "".'],
    [
      'a time without sense',
      ['pie', '--time', 'soon'],
      '--time must be a time such as 30s, 5m or 2h (from 1.0 s to 2 h 00 min), not "soon".',
    ],
    [
      'a time that is too long',
      ['pie', '--time', '3h'],
      '--time must be a time such as 30s, 5m or 2h (from 1.0 s to 2 h 00 min), not "3h".',
    ],
    ['an empty list', ['pie', '--toppings', ' , '], '--toppings must name at least one, e.g. --toppings a,b'],
    ['an empty text', ['pie', '--name='], '--name must not be empty.'],
    ['nothing to work on', [], 'CAKE... is missing: what to bake.'],
    ['too much to work on', ['a', 'b', 'c'], 'What is "c"? It belongs to no option.'],
  ];
  for (const [name, argv, message] of mistakes) {
    it(`with ${name} are refused with a message`, () => assert.equal(messageFor(...argv), message));
  }

  it('that are refused say where the options are listed', () => {
    const parsed = parseCommand(command, ['--nonsense']);
    assert.ok(parsed.kind === 'invalid');
    assert.match(parsed.message, /\nSee all options: npm run bake -- --help$/);
  });
});

describe('help', () => {
  it('lists every option with its default, and examples', () => {
    assert.deepEqual(helpText(command).split('\n'), [
      'Bakes.',
      '',
      'Usage: npm run bake -- CAKE... [options]',
      '',
      '  CAKE...         what to bake',
      '  --degrees N     how hot (default 180)',
      '  --weight N      in grams',
      '  --time TIME     how long',
      '  --toppings A,B  on top',
      '  --name TEXT     on the box (default cake)',
      '  --fan           with the fan',
      '  --help          this text',
      '',
      'Examples:',
      '  npm run bake -- pie   a pie',
    ]);
  });

  it('of the real commands fits 100 columns, and its examples are valid', () => {
    for (const real of [startCommand, sendCommand, subscribeCommand]) {
      for (const line of helpText(real).split('\n')) assert.ok(line.length <= 100, line);
      for (const [example] of real.examples) {
        const argv = / -- (.*)$/.exec(example)?.[1]?.split(' ') ?? [];
        assert.equal(parseCommand<OptionDefinitions>(real, argv).kind, 'run', example);
      }
    }
  });
});

describe('an option that npm kept for itself', () => {
  it('is noticed by the variable it leaves', () => {
    assert.equal(optionKeptByNpm(startCommand.options, { npm_config_rate: '5' }), 'rate');
    assert.equal(optionKeptByNpm(startCommand.options, { npm_config_blob_port: '5' }), 'blob-port');
    assert.equal(optionKeptByNpm(startCommand.options, { npm_config_simulate: '' }), 'no-simulate');
  });

  it("is not confused with npm's own settings", () => {
    const environment = {
      ...{ npm_config_json: 'true', npm_config_yes: '', npm_config_cache: '/tmp' },
      npm_lifecycle_event: 'start',
    };
    const { fan } = command.options;
    assert.equal(optionKeptByNpm({ ...startCommand.options, json: fan, yes: fan }, environment), undefined);
  });
});

describe('the closest name', () => {
  it('is a near miss or a beginning, and nothing far off', () => {
    const names = ['readings', 'quarantine', 'device_windows'];
    assert.equal(closestName('reading', names), 'readings');
    assert.equal(closestName('raedings', names), 'readings');
    assert.equal(closestName('quar', names), 'quarantine');
    assert.equal(closestName('Readings', names), 'readings');
    assert.equal(closestName('alerts', names), undefined);
  });
});

describe('the shares of npm start', () => {
  const shares = { nested: 0.1, duplicates: 0, late: 0, malformed: 0 };

  it('may not make more than one whole', () => {
    assert.equal(shareProblem({ ...shares, late: 0.9 }), undefined);
    assert.match(shareProblem({ ...shares, late: 0.95 }) ?? '', /together they make 1\.050/);
  });

  it('are kept exactly, at the cost of the kinds without an option', () => {
    assert.deepEqual(mixOf({ ...shares, nested: 1 }), {
      nested: 1,
      duplicates: 0,
      late: 0,
      malformed: 0,
      outOfOrder: 0,
      arrays: 0,
      gzip: 0,
      unknownFields: 0,
    });
    assert.equal(mixOf(shares).arrays, 0.02);
  });

  it('are usable as they are by default', () => {
    const parsed = parseCommand({ ...startCommand, positionals: noPositionals }, []);
    assert.ok(parsed.kind === 'run');
    assert.equal(shareProblem(parsed.options), undefined);
  });
});
