// The modal questions of the page. `<form method="dialog">` would be a form to send, which the page's policy
// forbids.

import { byId } from './dom.js';
import { t } from './i18n.js';

function answer(dialog) {
  return new Promise(resolve => {
    dialog.returnValue = '';
    for (const button of dialog.querySelectorAll('button')) button.onclick = () => dialog.close(button.value);
    dialog.addEventListener('close', () => resolve(dialog.returnValue), { once: true });
    dialog.showModal();
  });
}

export async function confirmDeletion(name) {
  byId('confirm-text').textContent = t('delete.text', { name });
  return (await answer(byId('confirm'))) === 'yes';
}

export function showLink(link) {
  const field = byId('manual-link');
  field.value = link;
  const closed = answer(byId('manual-copy'));
  field.select();
  return closed;
}
