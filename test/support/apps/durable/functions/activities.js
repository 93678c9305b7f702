// Activities. Those with an effect leave a line in the file EFFECTS, so that a test sees what ran, however often it ran.
import { appendFileSync } from 'node:fs';
import * as df from 'durable-functions';

const failuresLeft = new Map();

df.app.activity('echo', { handler: (input) => input });
df.app.activity('double', { handler: (number) => number * 2 });

df.app.activity('leaveMark', {
  handler: (mark) => {
    appendFileSync(process.env.EFFECTS, `${mark}\n`);
    return `marked ${mark}`;
  },
});

/** Fails as often as it is told, then succeeds. */
df.app.activity('flaky', {
  handler: ({ key, failures }) => {
    const left = failuresLeft.get(key) ?? failures;
    failuresLeft.set(key, left - 1);
    if (left > 0) throw new Error(`${key} fails, ${left} left`);
    return `${key} done`;
  },
});
