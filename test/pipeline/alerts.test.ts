// What definePipeline makes of `alerts`, and what it refuses.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TributaryError } from '../../shared/base/index.js';
import {
  definePipeline,
  type PipelineDefinition,
  parseTemplate,
  placeholdersOf,
} from '../../shared/pipeline/index.js';

const base = {
  source: { eventHub: 'hub' },
  deviceId: { from: 'id' },
  eventTime: { from: 'time' },
  fields: { temperature: { type: 'double' }, battery: { type: 'integer' }, status: { type: 'string' } },
} as const satisfies PipelineDefinition;

const rule = {
  name: 'HOT',
  when: { field: 'temperature', is: '>', threshold: 35 },
  severity: 'CRITICAL',
  message: '{temperature}',
} as const;

const silence = {
  name: 'SILENT',
  silentForMs: 60_000,
  severity: 'INFO',
  message: '{device} {minutes}',
} as const;

function alertsOf(alerts: unknown) {
  return definePipeline({ ...base, alerts } as PipelineDefinition).alerts;
}

function problemsOf(alerts: unknown): string[] {
  try {
    alertsOf(alerts);
  } catch (error) {
    assert.ok(error instanceof TributaryError && error.code === 'CONFIG_INVALID');
    const lines = error.message.split('\n').slice(1);
    return lines.map((line) => line.replace(/^- /, ''));
  }
  return [];
}

describe('alerts', () => {
  it('get their defaults', () => {
    assert.deepEqual(alertsOf({ rules: [rule], silence, webhooks: {} }), {
      rules: [{ ...rule, group: 'temperature' }],
      silence,
      emit: 'transitions',
      eventHub: 'alerts',
      connection: 'EventHubs',
      webhooks: [],
    });
  });

  it('keep what is given', () => {
    const full = {
      ...rule,
      group: 'heat',
      when: { ...rule.when, clearAt: 33 },
      forMs: 1,
      forCount: 2,
      cooldownMs: 3,
    };
    const webhook = { url: 'https://example.com/alerts?to=me', secretSetting: 'PagerSecret' };
    const local = { url: 'http://localhost:8080/', secretSetting: 'PagerSecret' };
    const connection = 'AlertHubs';
    assert.deepEqual(
      alertsOf({ rules: [full], eventHub: 'events', connection, webhooks: { pager: webhook, local } }),
      {
        rules: [full],
        silence: undefined,
        emit: 'transitions',
        eventHub: 'events',
        connection: 'AlertHubs',
        webhooks: [
          { name: 'pager', ...webhook },
          { name: 'local', ...local },
        ],
      },
    );
  });

  it('use the connection of the source unless told otherwise', () => {
    const source = { eventHub: 'hub', connection: 'Hubs' };
    assert.equal(definePipeline({ ...base, source }).alerts.connection, 'Hubs');
  });

  it('may have the name of the source hub in another namespace', () => {
    assert.deepEqual(problemsOf({ eventHub: 'hub', connection: 'Others' }), []);
  });

  it('take a graver rule before a milder one, and a waiting one before both', () => {
    const milder = { ...rule, name: 'WARM', when: { ...rule.when, threshold: 30 } };
    const waiting = { ...milder, name: 'LONG_WARM', forCount: 3 };
    const otherGroup = { ...milder, name: 'OTHER', group: 'other' };
    assert.deepEqual(problemsOf({ rules: [otherGroup, waiting, rule, milder] }), []);
    const inclusive = { ...rule, name: 'INCLUSIVE', when: { ...rule.when, is: '>=' } };
    assert.deepEqual(problemsOf({ rules: [rule, inclusive] }), []);
  });
});

const when = rule.when;
const cases: readonly (readonly [what: string, alerts: unknown, ...problems: RegExp[]])[] = [
  ['alerts that are no object', 5, /^alerts: is 5; it must be an object with "rules"/],
  ['an unknown key', { rule: [] }, /^alerts\.rule: unknown key\. Did you mean "rules"\?$/],
  ['rules that are no array', { rules: {} }, /^alerts\.rules: is an object; it must be an array of rules$/],
  [
    'a rule without anything',
    { rules: [{}] },
    /^alerts\.rules\[0\]\.name: missing/,
    /^alerts\.rules\[0\]\.when: missing/,
    /^alerts\.rules\[0\]\.when\.field: missing/,
    /^alerts\.rules\[0\]\.when\.is: missing/,
    /^alerts\.rules\[0\]\.when\.threshold: missing; it must be a finite number$/,
    /^alerts\.rules\[0\]\.severity: missing; it must be one of "INFO", "WARNING", "CRITICAL"/,
    /^alerts\.rules\[0\]\.message: missing/,
  ],
  ['a name with a space', { rules: [{ ...rule, name: 'too hot' }] }, /\.name: is "too hot"; use up to 128/],
  [
    'a name twice',
    { rules: [rule, rule] },
    /^alerts\.rules\[1\]\.name: "HOT" is taken by alerts\.rules\[0\]/,
    /never wins/,
  ],
  [
    'silence under the name of a rule',
    { rules: [rule], silence: { ...silence, name: 'HOT' } },
    /^alerts\.silence\.name: "HOT" is taken by alerts\.rules\[0\]/,
  ],
  [
    'a field that is misspelled',
    { rules: [{ ...rule, when: { ...when, field: 'temprature' } }] },
    /^alerts\.rules\[0\]\.when\.field: is "temprature", which is no field; .* Did you mean "temperature"\?$/,
  ],
  [
    'a field of text',
    { rules: [{ ...rule, when: { ...when, field: 'status' } }] },
    /\.field: is "status", a string field; alerts are about fields of type double, long or integer\.$/,
  ],
  [
    'a comparison of another language',
    { rules: [{ ...rule, when: { ...when, is: '=' } }] },
    /\.when\.is: is "="; it must be one of ">", ">="/,
  ],
  [
    'a threshold that is a text',
    { rules: [{ ...rule, when: { ...when, threshold: '35' } }] },
    /\.threshold: is "35"; it must be a finite number$/,
  ],
  [
    'a threshold without end',
    { rules: [{ ...rule, when: { ...when, threshold: Number.POSITIVE_INFINITY } }] },
    /\.threshold: is Infinity/,
  ],
  [
    'clearAt on the bad side',
    { rules: [{ ...rule, when: { ...when, clearAt: 36 } }] },
    /\.when\.clearAt: is 36, above the threshold, .*; make it at most 35$/,
  ],
  [
    'clearAt on the bad side of a lower bound',
    { rules: [{ ...rule, when: { ...when, is: '<', clearAt: 34 } }] },
    /\.when\.clearAt: is 34, below the threshold, .*; make it at least 35$/,
  ],
  [
    'clearAt of an equality',
    { rules: [{ ...rule, when: { ...when, is: '==', clearAt: 34 } }] },
    /\.when\.clearAt: needs a condition with ">"/,
  ],
  [
    'a severity in small letters',
    { rules: [{ ...rule, severity: 'critical' }] },
    /\.severity: is "critical"; .* Did you mean "CRITICAL"\?$/,
  ],
  [
    'a message with a misspelled field',
    { rules: [{ ...rule, message: 'at {temprature}' }] },
    /\.message: has \{temprature\}, which stands for nothing; it can have \{temperature\}, \{battery\}, \{device\}\. Did you mean "temperature"\?$/,
  ],
  ['a message about a text', { rules: [{ ...rule, message: '{status}' }] }, /\.message: has \{status\}/],
  ['the group of silence', { rules: [{ ...rule, group: 'silence' }] }, /\.group: "silence" is kept/],
  [
    'a negative wait',
    { rules: [{ ...rule, forMs: -1 }] },
    /\.forMs: is -1; it must be a whole number from 0/,
  ],
  [
    'a count of 0',
    { rules: [{ ...rule, forCount: 0 }] },
    /\.forCount: is 0; it must be a whole number from 1/,
  ],
  [
    'memory where there is none',
    {
      rules: [{ ...rule, when: { ...when, clearAt: 30 }, forMs: 1, forCount: 2, cooldownMs: 1 }],
      emit: 'every',
    },
    /^alerts\.rules\[0\]\.forMs: needs memory/,
    /^alerts\.rules\[0\]\.forCount: needs memory/,
    /^alerts\.rules\[0\]\.cooldownMs: needs memory/,
    /^alerts\.rules\[0\]\.when\.clearAt: needs memory/,
  ],
  [
    'a rule behind a milder one',
    { rules: [{ ...rule, name: 'WARM', when: { ...when, threshold: 30 } }, rule] },
    /^alerts\.rules\[1\]\.when: never wins: "WARM" \(> 30\) comes first in the group and matches too; move this rule before it$/,
  ],
  [
    'a rule behind a milder one, downwards',
    {
      rules: [
        { ...rule, when: { ...when, is: '<=', threshold: 20 } },
        { ...rule, name: 'COLD', when: { ...when, is: '<', threshold: 20 } },
      ],
    },
    /^alerts\.rules\[1\]\.when: never wins/,
  ],
  [
    'an unknown emission',
    { emit: 'all' },
    /^alerts\.emit: is "all"; it must be one of "transitions", "every"/,
  ],
  ['the hub of the source', { eventHub: 'hub' }, /^alerts\.eventHub: is that of the source/],
  ['a hub with odd characters', { eventHub: 'a b' }, /^alerts\.eventHub: is "a b"; an event hub's name/],
  [
    'a connection that is no name',
    { connection: '' },
    /^alerts\.connection: must be the name of an app setting/,
  ],
  [
    'silence without anything',
    { silence: {} },
    /^alerts\.silence\.name: missing/,
    /^alerts\.silence\.severity: missing/,
    /^alerts\.silence\.message: missing/,
    /^alerts\.silence\.silentForMs: missing; it must be a time in milliseconds$/,
  ],
  [
    'silence of less than a second',
    { silence: { ...silence, silentForMs: 999 } },
    /^alerts\.silence\.silentForMs: is 999; it must be a whole number from 1000/,
  ],
  [
    'a field in the message of silence',
    { silence: { ...silence, message: '{temperature}' } },
    /^alerts\.silence\.message: has \{temperature\}, .* it can have \{device\}, \{minutes\}\./,
  ],
  [
    'webhooks in an array',
    { webhooks: [] },
    /^alerts\.webhooks: is an array; it must be an object with a key per/,
  ],
  [
    'a webhook without anything',
    { webhooks: { pager: {} } },
    /^alerts\.webhooks\.pager\.url: missing/,
    /^alerts\.webhooks\.pager\.secretSetting: must be the name of an app setting/,
  ],
  [
    'a webhook with an odd name',
    { webhooks: { 'a b': { url: 'https://example.com', secretSetting: 'S' } } },
    /^alerts\.webhooks\.a b: is no name for a webhook/,
  ],
];

describe('definePipeline refuses', () => {
  for (const [what, alerts, ...expected] of cases) {
    it(what, () => {
      const problems = problemsOf(alerts);
      assert.equal(problems.length, expected.length, problems.join('\n'));
      for (const pattern of expected) {
        assert.ok(
          problems.some((problem) => pattern.test(problem)),
          `${pattern} is not among:\n${problems.join('\n')}`,
        );
      }
    });
  }

  const addresses: readonly (readonly [url: string, problem: RegExp])[] = [
    ['example.com/alerts', /is no address/],
    ['http://example.com/', /must begin with "https:\/\/"/],
    ['ftp://localhost/', /must begin with "https:\/\/"/],
    ['http://localhost.example.com/', /must begin with "https:\/\/"/],
    ['https://user:pass@example.com/', /holds a user or password/],
    ...[
      'localhost',
      'a.localhost',
      '127.0.0.1',
      '127.1',
      '2130706433',
      '0x7f.0.0.1',
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '[::1]',
      '[::]',
      '[::ffff:10.0.0.1]',
      '[fc00::1]',
      '[fd12::1]',
      '[fe80::1]',
      '[ff02::1]',
      'localhost.',
      '10.0.0.1.',
    ].map((host) => [`https://${host}/alerts`, /leads to a private or loopback address/] as const),
  ];
  for (const [url, problem] of addresses) {
    it(`alerts to ${url}, without repeating the address`, () => {
      const problems = problemsOf({ webhooks: { pager: { url, secretSetting: 'S' } } });
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0]!, problem);
      assert.ok(!problems[0]?.includes('pass@'));
    });
  }

  it('a secret in place of a setting, without repeating it', () => {
    const secretSetting = 'whsec_c2VjcmV0';
    const problems = problemsOf({ webhooks: { pager: { url: 'https://example.com/', secretSetting } } });
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /^alerts\.webhooks\.pager\.secretSetting: holds the secret itself/);
    assert.ok(!problems[0]?.includes('c2VjcmV0'));
  });

  it('no public address', () => {
    for (const host of [
      '8.8.8.8',
      '100.128.0.1',
      '172.32.0.1',
      '192.169.0.1',
      '[2001:db8::1]',
      'example.com',
      '10.example.com',
    ]) {
      const webhooks = { pager: { url: `https://${host}/`, secretSetting: 'S' } };
      assert.deepEqual(problemsOf({ webhooks }), [], host);
    }
  });
});

describe('templates of messages', () => {
  it('are texts and placeholders, and lone braces are text', () => {
    assert.deepEqual(parseTemplate('a {b} c{d}'), [
      { kind: 'text', text: 'a ' },
      { kind: 'placeholder', name: 'b' },
      { kind: 'text', text: ' c' },
      { kind: 'placeholder', name: 'd' },
    ]);
    assert.deepEqual(parseTemplate(''), []);
    assert.deepEqual(placeholdersOf('{} { {a.b} }'), ['a.b']);
  });
});
