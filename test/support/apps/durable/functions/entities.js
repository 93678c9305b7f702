// Entities: one that counts, one that remembers the order of what it was told, one that passes signals on.
import * as df from 'durable-functions';

df.app.entity('Counter', (context) => {
  const { operationName } = context.df;
  const state = context.df.getState(() => ({ total: 0, operations: 0 }));
  switch (operationName) {
    case 'add':
      state.total += context.df.getInput() ?? 1;
      state.operations += 1;
      context.df.setState(state);
      context.df.return(state.total);
      break;
    case 'get':
      context.df.return(state.total);
      break;
    case 'fail':
      throw 'refused';
    case 'delete':
      context.df.destructOnExit();
      break;
  }
});

/** Keeps each distinct entry once, as an entity must whose clients may signal twice. */
df.app.entity('Journal', (context) => {
  const state = context.df.getState(() => ({ entries: [], received: 0 }));
  const entry = context.df.getInput();
  state.received += 1;
  if (!state.entries.includes(entry)) state.entries.push(entry);
  context.df.setState(state);
});

df.app.entity('Relay', (context) => {
  const numbers = context.df.getInput();
  for (const number of numbers) {
    context.df.signalEntity(new df.EntityId('Journal', context.df.entityKey), 'append', number);
  }
  context.df.setState(numbers.length);
});
