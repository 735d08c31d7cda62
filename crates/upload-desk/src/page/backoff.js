// How long to wait before trying again.

/**
 * Milliseconds before retry `attempt` (the first is 1): doubling from `base` to `most`, half of it by chance.
 */
export function delay(attempt, { base = 1000, most = 30_000, random = Math.random } = {}) {
  const full = Math.min(base * 2 ** (attempt - 1), most);
  return full / 2 + (full / 2) * random();
}

/** Resolves after `milliseconds`, rejects as soon as `signal` is aborted. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
