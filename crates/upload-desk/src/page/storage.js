// The browser's storage, or memory where it is forbidden.

export class MemoryStorage {
  #items = new Map();

  get length() {
    return this.#items.size;
  }

  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }

  getItem(key) {
    return this.#items.get(key) ?? null;
  }

  setItem(key, value) {
    this.#items.set(key, String(value));
  }

  removeItem(key) {
    this.#items.delete(key);
  }
}

function usable(name) {
  try {
    const storage = globalThis[name];
    storage.getItem('desk');
    return storage;
  } catch {
    return new MemoryStorage();
  }
}

export const lasting = usable('localStorage');
export const temporary = usable('sessionStorage');

/** Writes if there is room. */
export function write(storage, key, value) {
  try {
    storage.setItem(key, value);
  } catch {
    // A full storage costs what a reload would bring back, nothing else.
  }
}

export const keysOf = storage => Array.from({ length: storage.length }, (_, i) => storage.key(i));
