// Copies text, also where the page is served by http and has no navigator.clipboard.

import { el } from './dom.js';

function copyBySelection(text) {
  const area = el('textarea', { value: text, readOnly: true, className: 'offscreen' });
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    area.remove();
    focused?.focus();
  }
}

/** Whether `text` is in the clipboard now. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}
