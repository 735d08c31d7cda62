// Which queue is this tab's, and whose tab is gone.
//
// A tab holds a lock with the name of its queue as long as it lives. Over a reload the name of the queue is
// handed on in sessionStorage, and taken out there at once: a duplicated tab, which starts with a copy of
// that storage, gets a queue of its own. Where there are no locks (http and not localhost), a queue counts as
// left behind when nothing was written for a day.

import { temporary, write } from './storage.js';

const KEY = 'desk.tab';
const HANDED_OVER_WITHIN = 3000;
const LEFT_AFTER = 24 * 3600 * 1000;

const newQueue = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(8)), byte => byte.toString(16).padStart(2, '0')).join('');
const lockOf = queue => `desk.queue.${queue}`;

function hold(queue) {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(HANDED_OVER_WITHIN);
    const keep = () => {
      resolve();
      return new Promise(() => {});
    };
    navigator.locks.request(lockOf(queue), { signal }, keep).catch(reject);
  });
}

/** The name of this tab's queue, the one from before the reload if there was one. */
export async function ownQueue() {
  let queue = temporary.getItem(KEY) ?? newQueue();
  temporary.removeItem(KEY);
  if (navigator.locks) {
    try {
      await hold(queue);
    } catch {
      queue = newQueue();
      await hold(queue);
    }
  }
  addEventListener('pagehide', () => write(temporary, KEY, queue));
  // Brought back by the back button, this page may not be the only one with its queue.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
  return queue;
}

/** Calls `take(queue)` for each of `queues` (as `queuesIn` gives them) whose tab is gone. */
export async function eachLeftBehind(queues, take) {
  for (const [queue, at] of queues) {
    if (!navigator.locks) {
      if (Date.now() - at > LEFT_AFTER) take(queue);
    } else {
      await navigator.locks.request(lockOf(queue), { ifAvailable: true }, lock => lock && take(queue));
    }
  }
}
