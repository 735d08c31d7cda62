// Short news: shown for a while in a place of its own under the header, where it covers nothing, and read out.

import { byId } from './dom.js';

const SHOWN = 6000;
let timer;

export function announce(text) {
  clearTimeout(timer);
  byId('status').textContent = text;
  timer = setTimeout(() => byId('status').replaceChildren(), SHOWN);
}
