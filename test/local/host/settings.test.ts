import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { AppSettings, applySettings } from '../../../local/host/settings.js';
import { parseTimerStatus, timerStatusJson } from '../../../local/host/timerStatus.js';

function appWith(t: TestContext, localSettings: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-settings-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'local.settings.json'), localSettings);
  return folder;
}

function keepEnvironment(t: TestContext, ...names: readonly string[]): void {
  for (const name of names) {
    const value = process.env[name];
    t.after(() => {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    });
  }
}

describe('local.settings.json', () => {
  it('reaches the environment, below what is there already and what is given', (t) => {
    keepEnvironment(t, 'HOST_TEST_A', 'HOST_TEST_B', 'HOST_TEST_C');
    process.env.HOST_TEST_B = 'environment';
    const folder = appWith(
      t,
      '\uFEFF{"IsEncrypted":false,"Values":{"HOST_TEST_A":"file","HOST_TEST_B":"file","HOST_TEST_C":3}}',
    );
    const settings = applySettings(folder, { HOST_TEST_C: 'given' });
    assert.deepEqual(
      ['HOST_TEST_A', 'HOST_TEST_B', 'HOST_TEST_C'].map((name) => [settings.get(name), process.env[name]]),
      [
        ['file', 'file'],
        ['environment', 'environment'],
        ['given', 'given'],
      ],
    );
  });

  const wrong: readonly [content: string, message: RegExp][] = [
    ['{"IsEncrypted":true,"Values":{}}', /IsEncrypted is true/],
    ['{"Values":["a"]}', /Values must be an object/],
    ['{"Values":{"A":{"b":1}}}', /Values\.A must be text/],
    ['{', /local\.settings\.json is not JSON/],
  ];
  for (const [content, message] of wrong) {
    it(`${content} is refused`, (t) => {
      const folder = appWith(t, content);
      assert.throws(() => applySettings(folder, {}), message);
    });
  }
});

describe('app settings', () => {
  const settings = new AppSettings({
    HUB: 'sensor-data',
    AzureWebJobsLake: 'conn',
    Hub__fullyQualifiedNamespace: 'x',
    EMPTY: '',
  });

  it('replace %NAME% in binding options', () => {
    assert.equal(settings.resolve('%HUB%-%HUB%', 'f'), 'sensor-data-sensor-data');
    assert.equal(settings.resolve('50% of 100%', 'f'), '50% of 100%');
  });

  it('are named with their user when they are missing or empty', () => {
    assert.throws(() => settings.resolve('%NOPE%', 'Function "f"'), /Function "f" needs the setting "NOPE"/);
    assert.throws(
      () => settings.connection('EMPTY', 'Function "f"'),
      /Function "f" needs the setting "EMPTY"/,
    );
  });

  it('give connections also under the prefix AzureWebJobs', () => {
    assert.equal(settings.connection('Lake', 'f'), 'conn');
  });

  it('say that an identity-based connection cannot be used here', () => {
    assert.throws(
      () => settings.connection('Hub', 'f'),
      /identity-based setting "Hub__fullyQualifiedNamespace"/,
    );
  });
});

describe('the status of a timer', () => {
  it("is stored in the real host's form and read back", () => {
    const status = { lastMs: 1_700_000_000_000, nextMs: 1_700_000_060_000, lastUpdatedMs: 1_700_000_000_000 };
    assert.deepEqual(parseTimerStatus(JSON.stringify(timerStatusJson(status))), status);
    const never = { ...status, lastMs: undefined };
    assert.equal(timerStatusJson(never).Last, '0001-01-01T00:00:00');
    assert.deepEqual(parseTimerStatus(JSON.stringify(timerStatusJson(never))), never);
  });

  it('that cannot be understood counts as none', () => {
    for (const text of ['', '{"Last":', '{}', 'null', '{"Next":"soon","LastUpdated":"then"}']) {
      assert.equal(parseTimerStatus(text), undefined, text);
    }
  });
});
