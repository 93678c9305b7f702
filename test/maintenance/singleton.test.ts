import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type OrchestrationStarter, startSingleton } from '../../shared/maintenance/index.js';

/** A client whose instance has these states, one for each look; undefined: never started. */
function client(states: readonly (string | undefined)[], startError?: Error) {
  const started: string[] = [];
  let look = 0;
  const starter: OrchestrationStarter = {
    getStatus: async () => {
      const runtimeStatus = states[Math.min(look++, states.length - 1)];
      if (runtimeStatus === undefined) throw new Error('404');
      return { runtimeStatus };
    },
    startNew: async (_, { instanceId }) => {
      if (startError !== undefined) throw startError;
      started.push(instanceId);
      return instanceId;
    },
  };
  return { starter, started };
}

const start = (starter: OrchestrationStarter) =>
  startSingleton(starter, 'work', { instanceId: 'one', input: null });

describe('startSingleton', () => {
  for (const state of [undefined, 'Completed', 'Failed', 'Terminated']) {
    it(`starts when the last one is ${state ?? 'unknown'}`, async () => {
      const { starter, started } = client([state]);
      assert.equal(await start(starter), true);
      assert.deepEqual(started, ['one']);
    });
  }

  for (const state of ['Pending', 'Running', 'ContinuedAsNew', 'Suspended']) {
    it(`does not start while one is ${state}`, async () => {
      const { starter, started } = client([state]);
      assert.equal(await start(starter), false);
      assert.deepEqual(started, []);
    });
  }

  it('takes it calmly when a rival started it between the look and the start', async () => {
    const { starter } = client([undefined, 'Running'], new Error('already running'));
    assert.equal(await start(starter), false);
  });

  it('reports a start that failed for another reason', async () => {
    const { starter } = client([undefined], new Error('no connection'));
    await assert.rejects(start(starter), /no connection/);
  });
});
