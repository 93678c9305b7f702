// Pure. A known flaw of the library: a task that is yielded again inside a new `all` or `any` is scheduled again, by the real
// host too, and its results go astray. Better to fail here, loudly. (Durable contract, section 2.6.)

/** Actions that take an id, by number; waiting for an external event again is harmless. */
const externalEventType = 6;

/** @param answer the library's own object, before it became JSON */
export function repeatedActionProblem(answer: unknown): string | undefined {
  const { actions = [] } = (answer ?? {}) as { readonly actions?: readonly (readonly unknown[])[] };
  const seen = new Set<unknown>();
  const repeated = actions
    .flat()
    .flatMap(leavesOf)
    .find((action) => {
      if (action.actionType === externalEventType || !seen.has(action)) {
        seen.add(action);
        return false;
      }
      return true;
    });
  if (repeated === undefined) return undefined;
  const name = repeated.functionName ?? `an action of type ${repeated.actionType}`;
  return (
    `The orchestrator yields the task of ${name} again inside another Task.all or Task.any; Durable Functions would run it twice. ` +
    'Yield the task itself, or keep its result. (azure-functions-durable-js issue 574)'
  );
}

interface ActionObject {
  readonly actionType?: number;
  readonly functionName?: string;
  readonly compoundActions?: readonly ActionObject[];
}

function leavesOf(action: unknown): ActionObject[] {
  const object = action as ActionObject;
  return object.compoundActions === undefined ? [object] : object.compoundActions.flatMap(leavesOf);
}
