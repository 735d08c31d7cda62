// Short news: shown for a while, above any dialog, and read out.

import { byId } from './dom.js';

const SHOWN = 6000;
let timer;

export function announce(text) {
  const status = byId('status');
  clearTimeout(timer);
  // In the top layer it would otherwise stay below a dialog that was opened later.
  status.hidePopover?.();
  status.showPopover?.();
  status.textContent = text;
  timer = setTimeout(() => status.hidePopover?.(), SHOWN);
}
