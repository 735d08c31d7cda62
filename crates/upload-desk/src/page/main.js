// Puts the page together.

import { announce } from './announce.js';
import { Api } from './api.js';
import { pause } from './backoff.js';
import { byId } from './dom.js';
import { acceptFiles } from './files.js';
import { formatBytes } from './format.js';
import { Gallery } from './gallery.js';
import { digestsOf, md5Of } from './hasher.js';
import { locale, switchLanguage, t, translate } from './i18n.js';
import { refusal } from './limits.js';
import { postForm } from './post-form.js';
import { putPart } from './put-part.js';
import { QueueStore, queuesIn } from './queue-store.js';
import { QueueView } from './queue-view.js';
import { Queue } from './queue.js';
import { Session } from './session.js';
import { signIn } from './sign-in.js';
import { lasting, temporary } from './storage.js';
import { eachLeftBehind, ownQueue } from './tabs.js';

const session = new Session(temporary, lasting);
let onUnauthorized = () => {};
const api = new Api({ token: () => session.token, onUnauthorized: () => onUnauthorized() });
let views = [];

function showTexts(me) {
  translate();
  if (me.max_size) byId('limit').textContent = t('add.limit', { size: formatBytes(me.max_size, locale()) });
  for (const view of views) view.render();
}

async function whoAmI() {
  const { token } = session;
  if (!token) return signIn({ session, api });
  try {
    return await api.me(token);
  } catch (error) {
    if (error.status !== 401)
      return signIn({ session, api, token, error: t('signIn.unreachable', { message: error.message }) });
    session.forget();
    return signIn({ session, api, error: t('signIn.over') });
  }
}

// The queue stays as it is while the user signs in again; somebody else starts from nothing.
function askAgain(me, queue, gallery) {
  let asking = false;
  return async () => {
    if (asking) return;
    asking = true;
    queue.pause();
    session.forget();
    const { user } = await signIn({ session, api, error: t('signIn.over') });
    asking = false;
    if (user !== me.user) return location.reload();
    queue.resume();
    gallery.reload();
  };
}

async function restore(queue, store, own) {
  queue.adopt(store.load());
  const queues = queuesIn(lasting);
  queues.delete(own);
  await eachLeftBehind(queues, left => queue.adopt(store.takeOver(left)));
}

function acceptAddresses(queue) {
  const field = byId('url');
  byId('from-url').hidden = false;
  byId('from-url').onsubmit = event => {
    event.preventDefault();
    const address = parse(field.value.trim());
    const right = address !== null && ['http:', 'https:'].includes(address.protocol);
    byId('url-error').textContent = right ? '' : t('url.wrong');
    field.setAttribute('aria-invalid', String(!right));
    if (!right) return;
    queue.addUrl(address.href);
    field.value = '';
  };
}

function parse(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

async function start() {
  let me = {};
  translate();
  for (const button of document.querySelectorAll('[data-language]')) {
    button.onclick = () => {
      switchLanguage();
      showTexts(me);
    };
  }
  me = await whoAmI();
  const own = await ownQueue();
  const store = new QueueStore(lasting, { queue: own, user: me.user });
  const tools = { api, md5Of, digestsOf, postForm, putPart, pause, multipartAbove: me.multipart_above };
  const queue = new Queue({ store, tools, refuse: file => refusal(file, me) });
  const gallery = new Gallery(api, { forwards: me.forward !== false });
  views = [new QueueView(queue), gallery];
  onUnauthorized = askAgain(me, queue, gallery);
  queue.addEventListener('stored', ({ detail }) => gallery.put(detail.object));

  byId('user').textContent = me.user;
  byId('sign-out').onclick = () => {
    session.forget();
    location.reload();
  };
  if (me.from_url) acceptAddresses(queue);
  acceptFiles({
    take: files => queue.add(files),
    open: () => !document.querySelector('dialog[open]'),
    onUnreadable: error => announce(t('failed', { message: error.message })),
  });
  addEventListener('online', () => queue.retryBroken());
  addEventListener('beforeunload', event => queue.busy && event.preventDefault());
  showTexts(me);
  byId('app').hidden = false;
  gallery.reload();
  await restore(queue, store, own);
}

start();
