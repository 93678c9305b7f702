// A loader is started for every file that was entered, but not by a request each, and never a moment too early.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LoadStarter, LoadWaker } from '../../../shared/autoloader/index.js';
import { ManualClock } from '../../../shared/base/index.js';

class FakeLoader implements LoadStarter {
  starts = 0;
  looks = 0;
  state: 'none' | 'looking' | 'busy' = 'none';

  async start(): Promise<boolean> {
    if (this.state !== 'none') return false;
    this.starts++;
    return true;
  }

  async phase(): Promise<'none' | 'looking' | 'busy'> {
    this.looks++;
    return this.state;
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('waking a loader', () => {
  it('starts it at once when all is quiet', async () => {
    const loader = new FakeLoader();
    await new LoadWaker(new ManualClock(0)).wake(loader);
    assert.equal(loader.starts, 1);
  });

  it('starts it once more for all files of the next second', async () => {
    const clock = new ManualClock(0);
    const waker = new LoadWaker(clock);
    const loader = new FakeLoader();
    await waker.wake(loader);
    const second = waker.wake(loader);
    await Promise.all([waker.wake(loader), waker.wake(loader)]);
    assert.equal(loader.starts, 1);
    await settled();
    clock.advance(1_000);
    await second;
    assert.equal(loader.starts, 2);
  });

  it('leaves alone one that is sure to look again', async () => {
    const loader = new FakeLoader();
    loader.state = 'busy';
    await new LoadWaker(new ManualClock(0)).wake(loader);
    assert.deepEqual([loader.starts, loader.looks], [0, 1]);
  });

  it('waits for one that may have had its last look, and starts another when it has ended', async () => {
    const clock = new ManualClock(0);
    const loader = new FakeLoader();
    loader.state = 'looking';
    let isDone = false;
    const waking = new LoadWaker(clock).wake(loader).then(() => {
      isDone = true;
    });
    for (let round = 0; round < 3; round++) {
      await settled();
      clock.advance(250);
    }
    await settled();
    assert.equal(isDone, false);
    loader.state = 'none';
    clock.advance(250);
    await waking;
    assert.equal(loader.starts, 1);
  });

  it('tells the error to one caller, and tries again for the next', async () => {
    const clock = new ManualClock(0);
    const waker = new LoadWaker(clock);
    const loader = new FakeLoader();
    const failing: LoadStarter = {
      start: () => Promise.reject(new Error('no answer')),
      phase: () => loader.phase(),
    };
    await assert.rejects(waker.wake(failing), /no answer/);
    clock.advance(1_000);
    await waker.wake(loader);
    assert.equal(loader.starts, 1);
  });
});
