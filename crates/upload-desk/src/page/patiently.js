// Questions to the desk that may be asked again.

import { ApiError } from './api.js';
import { delay } from './backoff.js';
import { Failure } from './failure.js';

const TRIES = 6;

// What the codes and statuses of the desk are to the user.
const REASONS = { not_open: 'gone', parts_differ: 'damaged', not_found: 'deleted' };
const statusFailures = { 413: 'tooLarge', 415: 'wrongType' };

/** The `Failure` that an error of the desk is to the user; its `code` is the desk's. */
export function failureOf({ status, code, message }) {
  const reason = REASONS[code] ?? statusFailures[status] ?? (status === 0 ? 'unreachable' : 'desk');
  return Object.assign(new Failure(reason, { message }), { code });
}

/**
 * What `ask()` gives, asked again while that may help. `trouble`, if there is one, is told whether it has to be.
 * Throws a `Failure`, or an `ApiError` 401.
 */
export async function patiently(ask, { pause, signal, trouble }) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await ask();
      trouble?.(false);
      return answer;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 401) throw error;
      if (!error.passing) throw failureOf(error);
      if (attempt >= TRIES) throw Object.assign(failureOf(error), { again: true });
      trouble?.(true);
      await pause(delay(attempt), signal);
    }
  }
}
