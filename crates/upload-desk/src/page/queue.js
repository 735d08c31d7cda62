// The uploads of this tab: what waits, what runs, what is over.

import { awaits, canPause, canRetry, fileEntry, isOver, isRunning, urlEntry } from './entry.js';
import { Failure } from './failure.js';
import { fetched } from './settle.js';
import { transfer } from './transfer.js';

const SLOTS = 3;

/** Tells `change` (detail: the entry), `removed` (the entry) and `stored` ({entry, object}). */
export class Queue extends EventTarget {
  #entries = new Map();
  #running = new Map();
  #store;
  #tools;
  #refuse;
  #paused = false;

  /**
   * `refuse(file)` gives the `Failure` of a file that the desk would not take, or null. `tools` as
   * transfer.js takes them.
   */
  constructor({ store, tools, refuse }) {
    super();
    this.#store = store;
    this.#tools = tools;
    this.#refuse = refuse;
  }

  get entries() {
    return [...this.#entries.values()];
  }

  get busy() {
    return this.entries.some(entry => isRunning(entry) || entry.state === 'waiting');
  }

  /** Takes entries that an earlier page left. */
  adopt(entries) {
    for (const entry of entries) {
      if (this.#entries.has(entry.key)) continue;
      // `checking` and `fetching` run as soon as there is a slot.
      if (isRunning(entry)) entry.state = 'waiting';
      this.#entries.set(entry.key, entry);
      this.#tell(entry);
    }
    this.#pump();
  }

  add(files) {
    for (const file of files) {
      const known = this.entries.find(entry => awaits(entry, file));
      const entry = known ?? fileEntry(file);
      this.#entries.set(entry.key, entry);
      const failure = this.#refuse(file);
      // A file that was refused is not kept: there is nothing to try again.
      if (failure) this.#update(entry, { state: 'failed', failure });
      else this.#update(entry, isRunning(entry) ? { file } : { file, state: 'waiting' });
    }
    this.#pump();
  }

  addUrl(url) {
    const entry = urlEntry(url);
    this.#entries.set(entry.key, entry);
    this.#update(entry, {});
    this.#pump();
  }

  cancel(entry) {
    this.#running.get(entry.key)?.abort();
    const { id, parts } = entry;
    // Its parts are stored until somebody says that they are not needed; if the desk does not hear it, it
    // finds out by itself.
    if (parts && id && !['done', 'duplicate', 'cancelled'].includes(entry.state)) {
      this.#tools.api.abortUpload(id).catch(() => {});
      entry.id = undefined;
    }
    if (!isOver(entry)) this.#update(entry, { state: 'cancelled' });
  }

  /** Stops an upload in parts until `goOn`. */
  hold(entry) {
    if (!canPause(entry)) return;
    this.#running.get(entry.key)?.abort();
    this.#update(entry, { state: 'paused' });
  }

  goOn(entry) {
    if (entry.state !== 'paused') return;
    this.#update(entry, { state: 'waiting' });
    this.#pump();
  }

  /** Tries again what a lost network ended. */
  retryBroken() {
    for (const entry of this.entries) {
      const { state, failure } = entry;
      if (state === 'failed' && ['connection', 'unreachable'].includes(failure.reason)) this.retry(entry);
    }
  }

  retry(entry) {
    if (!canRetry(entry)) return;
    // What failed for good starts from nothing; what may have arrived is looked for first.
    if (entry.failure && !entry.failure.again) entry.id = undefined;
    this.#update(entry, { state: 'waiting', failure: undefined });
    this.#pump();
  }

  remove(entry) {
    this.cancel(entry);
    this.#entries.delete(entry.key);
    this.#store.drop(entry);
    this.dispatchEvent(new CustomEvent('removed', { detail: entry }));
  }

  /** Takes out what has arrived. */
  clear() {
    for (const entry of this.entries.filter(isOver)) this.remove(entry);
  }

  /** Starts nothing new until `resume`; what runs goes on. */
  pause() {
    this.#paused = true;
  }

  resume() {
    this.#paused = false;
    this.#pump();
  }

  #pump() {
    if (this.#paused) return;
    const waiting = this.entries.filter(entry => entry.state === 'waiting' && !this.#running.has(entry.key));
    const files = this.entries.filter(entry => entry.kind === 'file' && this.#running.has(entry.key)).length;
    const starting = waiting.filter(entry => entry.kind === 'file').slice(0, Math.max(0, SLOTS - files));
    // An address costs this page nothing but a question now and then.
    for (const entry of [...waiting.filter(entry => entry.kind === 'url'), ...starting]) this.#run(entry);
  }

  async #run(entry) {
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.set(entry.key, controller);
    // An entry that was cancelled must not be brought back by what comes late.
    const update = changes => signal.aborted || this.#update(entry, changes);
    try {
      const run = entry.kind === 'url' ? fromUrl : transfer;
      const { state, object } = await run(entry, { update, signal, tools: this.#tools });
      update({ state });
      if (object) this.dispatchEvent(new CustomEvent('stored', { detail: { entry, object } }));
    } catch (error) {
      update(error.status === 401 ? { state: 'waiting' } : { state: 'failed', failure: known(error) });
    } finally {
      if (this.#running.get(entry.key) === controller) this.#running.delete(entry.key);
      this.#pump();
    }
  }

  #update(entry, changes) {
    const { state } = entry;
    Object.assign(entry, changes);
    if (entry.state !== state || !('sent' in changes)) this.#store.save(entry);
    this.#tell(entry);
  }

  #tell(entry) {
    this.dispatchEvent(new CustomEvent('change', { detail: entry }));
  }
}

async function fromUrl(entry, { update, signal, tools }) {
  update({ state: 'fetching' });
  if (!entry.id) {
    const { id, name } = await tools.api.fromUrl(entry.url, signal);
    update({ id, name: name ?? entry.name });
  }
  const { object, name, size } = await fetched(entry.id, { ...tools, signal });
  update({ name, size });
  return { state: 'done', object };
}

const known = error => (error instanceof Failure ? error : new Failure('desk', { message: error.message }));
