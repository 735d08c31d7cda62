// The queue as it outlives a reload: each unfinished entry under a key of its own, so that a change writes
// little. Which tab a queue belongs to is told by tabs.js; no tab writes to a queue that is not its own.

import { entryOf, recordOf } from './entry.js';
import { keysOf, write } from './storage.js';

const PREFIX = 'desk.queue.';
const KEPT = 7 * 24 * 3600 * 1000;

export class QueueStore {
  #storage;
  #prefix;
  #user;
  #now;

  constructor(storage, { queue, user, now = Date.now }) {
    this.#storage = storage;
    this.#prefix = `${PREFIX}${queue}.`;
    this.#user = user;
    this.#now = now;
  }

  save(entry) {
    const record = recordOf(entry);
    if (!record) return this.drop(entry);
    const text = JSON.stringify({ ...record, user: this.#user, at: this.#now() });
    write(this.#storage, this.#prefix + entry.key, text);
  }

  drop(entry) {
    this.#storage.removeItem(this.#prefix + entry.key);
  }

  /** The entries that were left in this queue. */
  load() {
    return this.#take(this.#prefix).map(({ entry }) => entry);
  }

  /** Moves the entries of `queue`, which no tab owns any more, here and gives them. */
  takeOver(queue) {
    return this.#take(`${PREFIX}${queue}.`).map(({ key, entry }) => {
      this.save(entry);
      this.#storage.removeItem(key);
      return entry;
    });
  }

  // What nobody can use any more is thrown away on the way.
  #take(prefix) {
    return keysOf(this.#storage)
      .filter(key => key.startsWith(prefix))
      .map(key => {
        const record = parse(this.#storage.getItem(key));
        const entry = entryOf(record);
        if (!entry || !(this.#now() - record.at < KEPT)) this.#storage.removeItem(key);
        else if (record.user === this.#user) return { key, entry, at: record.at };
        return null;
      })
      .filter(Boolean)
      .sort((a, b) => a.at - b.at);
  }
}

/** The queues that `storage` has something of, each with the time in milliseconds of the last writing. */
export function queuesIn(storage) {
  const queues = new Map();
  for (const key of keysOf(storage)) {
    if (!key.startsWith(PREFIX)) continue;
    const queue = key.slice(PREFIX.length).split('.')[0];
    const at = Number(parse(storage.getItem(key))?.at) || 0;
    queues.set(queue, Math.max(at, queues.get(queue) ?? 0));
  }
  return queues;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
