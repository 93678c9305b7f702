export { type BackoffOptions, backoffMs } from './backoff.js';
export { type Clock, ManualClock, systemClock } from './clock.js';
export {
  describeError,
  type ErrorCode,
  errorCodes,
  type RetryHint,
  retryHintOf,
  TributaryError,
  type TributaryErrorOptions,
} from './errors.js';
export { createLogger, type LogFields, type Logger, type LogLevel, silentLogger } from './log.js';
export { type Random, seededRandom, systemRandom } from './random.js';
