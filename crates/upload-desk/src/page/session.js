// The token this tab works with: gone with the tab, unless the user wants it remembered.

import { write } from './storage.js';

const KEY = 'desk.token';

export class Session {
  #temporary;
  #lasting;

  constructor(temporary, lasting) {
    this.#temporary = temporary;
    this.#lasting = lasting;
    this.token = temporary.getItem(KEY) ?? lasting.getItem(KEY) ?? '';
  }

  keep(token, remember) {
    this.token = token;
    write(this.#temporary, KEY, token);
    if (remember) write(this.#lasting, KEY, token);
  }

  /** Forgets a token that was refused or signed out; a newer one, of another tab, stays. */
  forget() {
    for (const storage of [this.#temporary, this.#lasting]) {
      if (storage.getItem(KEY) === this.token) storage.removeItem(KEY);
    }
    this.token = '';
  }
}

/** Whether `token` can be sent in a header at all. */
export const isToken = token => /^[\x21-\x7e]+$/.test(token);
