// The app's functions, as the backend calls them.
import type { FunctionKind } from './taskSchedule.js';

export type FunctionOutcome =
  /** `value` is what the function returned, after a round through JSON. */
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly error: unknown }
  /** It may still be running. */
  | { readonly kind: 'timedOut'; readonly message: string };

export interface FunctionCall {
  readonly kind: FunctionKind;
  readonly name: string;
  /** JSON text; null for none. */
  readonly input: string | null;
  /** Of the orchestration, or the entity. */
  readonly instanceId: string;
}

export interface DurableFunctions {
  /** As it was registered; names are looked up without regard to case. */
  nameOf(kind: FunctionKind, name: string): string | undefined;
  /** Never rejects. */
  run(call: FunctionCall): Promise<FunctionOutcome>;
}
