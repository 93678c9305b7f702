// Orchestrations, one for each pattern.
import * as df from 'durable-functions';

df.app.orchestration('chain', function* (context) {
  let text = context.df.getInput();
  for (const letter of ['a', 'b', 'c']) text = yield context.df.callActivity('echo', text + letter);
  return text;
});

df.app.orchestration('fanOut', function* (context) {
  const numbers = Array.from({ length: context.df.getInput() }, (_, index) => index);
  const results = yield context.df.Task.all(
    numbers.map((number) => context.df.callActivity('double', number)),
  );
  return results.reduce((sum, result) => sum + result, 0);
});

/** The order of ids: retries in between other tasks. */
df.app.orchestration('retry', function* (context) {
  const key = context.df.instanceId;
  const options = new df.RetryOptions(10, 3);
  const both = yield context.df.Task.all([
    context.df.callActivityWithRetry('flaky', options, { key: `${key}/x`, failures: 2 }),
    context.df.callActivityWithRetry('flaky', options, { key: `${key}/y`, failures: 1 }),
    context.df.callActivity('echo', 'z'),
  ]);
  const after = yield context.df.callActivity('echo', 'after');
  let exhausted = 'no';
  try {
    yield context.df.callActivityWithRetry('flaky', options, { key: `${key}/never`, failures: 99 });
  } catch (error) {
    exhausted = error.message.split('\n')[0].trim();
  }
  return { both, after, exhausted, last: yield context.df.callActivity('echo', 'last') };
});

df.app.orchestration('timer', function* (context) {
  const begin = context.df.currentUtcDateTime.getTime();
  yield context.df.createTimer(new Date(begin + context.df.getInput()));
  return context.df.currentUtcDateTime.getTime() - begin;
});

df.app.orchestration('race', function* (context) {
  const deadline = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 3_600_000));
  const event = context.df.waitForExternalEvent('approval');
  const winner = yield context.df.Task.any([event, deadline]);
  if (winner !== event) return 'late';
  deadline.cancel();
  return { approvedBy: event.result };
});

df.app.orchestration('family', function* (context) {
  const children = ['one', 'two'].map((name) => context.df.callSubOrchestrator('chain', name));
  const named = yield context.df.callSubOrchestrator('chain', 'named', `${context.df.instanceId}-child`);
  const results = yield context.df.Task.all(children);
  let failure = '';
  try {
    yield context.df.callSubOrchestrator('failing', 'on purpose');
  } catch (error) {
    failure = error.message;
  }
  return { results, named, failed: failure.includes('on purpose') };
});

df.app.orchestration('failing', function* (context) {
  context.df.signalEntity(new df.EntityId('Counter', `failing-${context.df.instanceId}`), 'add', 1);
  yield context.df.callActivity('echo', 1);
  throw new Error(context.df.getInput());
});

df.app.orchestration('loop', function* (context) {
  const { count, limit, sum } = context.df.getInput();
  if (count === limit) return { count, sum };
  const event = yield context.df.waitForExternalEvent('number');
  context.df.signalEntity(new df.EntityId('Counter', `loop-${context.df.instanceId}`), 'add', 1);
  context.df.continueAsNew({ count: count + 1, limit, sum: sum + event });
});

df.app.orchestration('callsEntity', function* (context) {
  const counter = new df.EntityId('Counter', context.df.getInput());
  context.df.signalEntity(counter, 'add', 5);
  const afterSignal = yield context.df.callEntity(counter, 'add', 10);
  let failure = '';
  try {
    yield context.df.callEntity(counter, 'fail');
  } catch (error) {
    failure = error.message;
  }
  return { afterSignal, failure, total: yield context.df.callEntity(counter, 'get') };
});

/** Moves one unit; without the lock, others would see or change the counters in between. */
df.app.orchestration('transfer', function* (context) {
  const { from, to } = context.df.getInput();
  const [source, target] = [new df.EntityId('Counter', from), new df.EntityId('Counter', to)];
  const lock = yield context.df.lock(source, target);
  const before = yield context.df.callEntity(source, 'get');
  yield context.df.callActivity('echo', 'between');
  const after = yield context.df.callEntity(source, 'get');
  yield context.df.callEntity(source, 'add', -1);
  yield context.df.callEntity(target, 'add', 1);
  lock.release();
  return { isUndisturbed: before === after };
});

/** For the test that kills the host: each step has an effect, and one on an entity. */
df.app.orchestration('steps', function* (context) {
  const count = context.df.getInput();
  const journal = new df.EntityId('Journal', context.df.instanceId);
  const results = [];
  for (let step = 0; step < count; step++) {
    results.push(yield context.df.callActivity('leaveMark', `${context.df.instanceId}/${step}`));
    yield context.df.callEntity(journal, 'append', step);
    if (step % 5 === 4) yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 20));
  }
  return results.length;
});

df.app.orchestration('repeats', function* (context) {
  const [a, b] = [context.df.callActivity('echo', 'a'), context.df.callActivity('echo', 'b')];
  yield context.df.Task.any([a, b]);
  yield context.df.Task.all([a, b]);
});

df.app.orchestration('forever', function* (context) {
  context.df.setCustomStatus({ phase: 'waiting' });
  return yield context.df.waitForExternalEvent('never');
});

df.app.orchestration('lostFunction', function* (context) {
  return yield context.df.callActivity('nowhere', 1);
});
