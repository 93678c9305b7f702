// The admin endpoints of the real host that people and tools use locally. No keys: they are for this machine only.
import type { Clock } from '../../shared/base/index.js';
import type { HttpAnswer, HttpServer } from './httpServer.js';
import { jsonAnswer } from './httpServer.js';
import type { TriggerListener, TriggerSource } from './triggerListener.js';

export interface AdministeredFunction {
  readonly source: TriggerSource;
  readonly listener: TriggerListener;
}

export interface AdministrationOptions {
  readonly hostId: string;
  readonly functions: readonly AdministeredFunction[];
  readonly clock: Clock;
}

export function addAdministration(http: HttpServer, options: AdministrationOptions): void {
  const { hostId, functions, clock } = options;
  const startedMs = clock.nowMs();
  const find = (name: string | undefined) =>
    functions.find(({ source }) => source.name.toLowerCase() === name?.toLowerCase());

  http.addEndpoint('GET', 'admin/host/status', async () =>
    jsonAnswer(200, { id: hostId, state: 'Running', processUptime: clock.nowMs() - startedMs }),
  );
  http.addEndpoint('GET', 'admin/functions', async () => jsonAnswer(200, functions.map(describe)));
  http.addEndpoint('GET', 'admin/functions/{name}', async ({ parameters }) => {
    const found = find(parameters.name);
    return found === undefined ? { status: 404 } : jsonAnswer(200, describe(found));
  });
  http.addEndpoint('POST', 'admin/functions/{name}', async ({ parameters }) => {
    const found = find(parameters.name);
    return found === undefined ? { status: 404 } : runNow(found);
  });
}

function describe({ source }: AdministeredFunction): unknown {
  const { bindings } = source.registered.metadata;
  return {
    name: source.name,
    config: { bindings: Object.entries(bindings).map(([name, binding]) => ({ name, ...binding })) },
  };
}

/** Answers at once, as the real host does; how the run ends is in the log. */
function runNow({ source, listener }: AdministeredFunction): HttpAnswer {
  if (listener.runNow === undefined) {
    const error = `Function "${source.name}" has a ${source.binding.type}: only that can start it.`;
    return jsonAnswer(400, { error });
  }
  void listener.runNow();
  return { status: 202 };
}
