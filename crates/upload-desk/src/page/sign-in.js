// The dialog that asks for the token. It stays until the desk has taken one.

import { byId } from './dom.js';
import { t } from './i18n.js';
import { isToken } from './session.js';

function reasonOf(error) {
  return error.status === 401 ? t('signIn.refused') : t('signIn.unreachable', { message: error.message });
}

/**
 * Resolves with the answer of `GET /me`; the token is kept in `session` by then. `error`: why this is asked,
 * if it was tried.
 */
export function signIn({ session, api, error = '', token = '' }) {
  const dialog = byId('sign-in');
  const form = dialog.querySelector('form');
  const field = byId('token');
  const note = byId('sign-in-error');
  const button = form.querySelector('[type=submit]');
  note.textContent = error;
  field.value = token;
  return new Promise(resolve => {
    const end = new AbortController();
    const submit = async () => {
      const entered = field.value.trim();
      note.textContent = '';
      button.disabled = true;
      try {
        if (!isToken(entered)) throw Object.assign(new Error(), { status: 401 });
        const me = await api.me(entered);
        session.keep(entered, byId('remember').checked);
        end.abort();
        dialog.close();
        field.value = '';
        resolve(me);
      } catch (refused) {
        note.textContent = reasonOf(refused);
        field.select();
      } finally {
        button.disabled = false;
      }
    };
    const { signal } = end;
    form.addEventListener('submit', event => (event.preventDefault(), submit()), { signal });
    dialog.addEventListener('cancel', event => event.preventDefault(), { signal });
    // Browsers let Escape close any dialog at the second time.
    dialog.addEventListener('close', () => dialog.showModal(), { signal });
    dialog.showModal();
  });
}
