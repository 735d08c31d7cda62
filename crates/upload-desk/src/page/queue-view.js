// The queue as the user sees it: one line per entry, made once and then kept up to date. What failed is also
// said at the top of the window, wherever the user is on the page.

import { announce } from './announce.js';
import { byId, el, icon, label } from './dom.js';
import { canPause, canRetry, isOver, isRunning } from './entry.js';
import { formatBytes, formatDuration } from './format.js';
import { has, locale, t } from './i18n.js';
import { iconOf } from './icons.js';
import { Rate } from './rate.js';

const bytes = value => formatBytes(value, locale());

// In the user's language: what the desk and the storage say is for who runs them.
function reasonText({ failure: { reason, values, code }, type }) {
  if (reason === 'desk') return has(`desk.${code}`) ? t(`desk.${code}`) : t('why.desk');
  const status = /^[45]\d\d\b/.exec(values.message ?? '')?.[0];
  if (reason === 'notFetched' && status) return t('why.fetchedStatus', { status });
  const limit = values.limit == null ? undefined : bytes(values.limit);
  return t(`why.${reason}`, { ...values, limit, type });
}

function stateText(entry, rate) {
  const { state, sent = 0, size } = entry;
  if (state === 'failed') return reasonText(entry);
  if (entry.trouble && isRunning(entry)) return t('state.trouble');
  const speed = state === 'sending' && sent < size ? rate.bytesPerSecond : undefined;
  if (!speed) return t(`state.${state}`, { sent: bytes(sent), size: bytes(size ?? 0) });
  const left = formatDuration((size - sent) / speed, locale());
  return t('state.rate', { sent: bytes(sent), size: bytes(size), rate: bytes(speed), left });
}

// So that the reason is in sight whatever the name is.
const shortened = name => (name.length > 40 ? `${name.slice(0, 24)}…${name.slice(-12)}` : name);

class Line {
  #entry;
  #rate = new Rate();
  #name = el('span', { className: 'name' });
  #state = el('span', { className: 'state' });
  #bar = el('progress', { max: 1 });
  #pause;
  #again;
  #away;

  constructor(entry, queue) {
    this.#entry = entry;
    const act = () => (entry.state === 'interrupted' ? byId('files').click() : queue.retry(entry));
    const pause = () => (entry.state === 'paused' ? queue.goOn(entry) : queue.hold(entry));
    const leave = () =>
      isRunning(entry) || ['waiting', 'paused'].includes(entry.state) ? queue.cancel(entry) : queue.remove(entry);
    this.#pause = el('button', { type: 'button', className: 'quiet', onclick: pause });
    this.#again = el('button', { type: 'button', className: 'quiet', onclick: act }, icon('retry'));
    this.#away = el('button', { type: 'button', className: 'quiet', onclick: leave }, icon('close'));
    const text = el('div', {}, this.#name, this.#bar, this.#state);
    this.element = el('li', {}, icon(iconOf(entry.type)), text, this.#pause, this.#again, this.#away);
  }

  show() {
    const entry = this.#entry;
    const { name, state, sent = 0, size } = entry;
    if (state === 'sending') this.#rate.add(sent, performance.now());
    this.element.dataset.state = state;
    this.#name.textContent = name;
    this.#name.title = name;
    this.#state.textContent = stateText(entry, this.#rate);
    const paused = state === 'paused';
    this.#bar.hidden = !isRunning(entry) && !paused;
    // An unknown share is a bar without a value.
    if (['sending', 'hashing', 'comparing', 'paused'].includes(state)) this.#bar.value = size > 0 ? sent / size : 1;
    else this.#bar.removeAttribute('value');
    this.#bar.setAttribute('aria-label', t('queue.progress', { name }));
    this.#pause.hidden = !paused && !canPause(entry);
    const doing = paused ? 'resume' : 'pause';
    if (this.#pause.dataset.doing !== doing) {
      this.#pause.dataset.doing = doing;
      this.#pause.replaceChildren(icon(paused ? 'resume' : 'pause'));
    }
    label(this.#pause, t(`do.${doing}`, { name }));
    this.#again.hidden = state !== 'interrupted' && !canRetry(entry);
    label(this.#again, t(state === 'interrupted' ? 'do.choose' : 'do.retry', { name }));
    label(this.#away, t(isRunning(entry) || paused || state === 'waiting' ? 'do.cancel' : 'do.remove', { name }));
  }
}

export class QueueView {
  #queue;
  #lines = new Map();

  constructor(queue) {
    this.#queue = queue;
    byId('problem-show').onclick = () => {
      const line = [...this.#lines.values()].find(({ element }) => element.dataset.state === 'failed');
      line?.element.scrollIntoView({ block: 'center' });
      line?.element.querySelector('button:not([hidden])')?.focus({ preventScroll: true });
    };
    byId('clear').onclick = () => {
      queue.clear();
      byId('choose-files').focus();
    };
    queue.addEventListener('change', ({ detail }) => this.#show(detail));
    queue.addEventListener('removed', ({ detail }) => this.#remove(detail));
  }

  /** Shows everything again, after a change of language. */
  render() {
    for (const line of this.#lines.values()) line.show();
    this.#summarize();
  }

  #show(entry) {
    let line = this.#lines.get(entry.key);
    if (!line) {
      line = new Line(entry, this.#queue);
      this.#lines.set(entry.key, line);
      byId('entries').append(line.element);
    }
    const before = line.element.dataset.state;
    line.show();
    if (before === entry.state) return;
    // What failed comes first, in the order of the queue.
    if (entry.state === 'failed') byId('entries').prepend(line.element);
    this.#summarize();
    if (isOver(entry) && entry.state !== 'failed') announce(`${entry.name}: ${t(`state.${entry.state}`)}`);
  }

  #remove(entry) {
    const line = this.#lines.get(entry.key);
    const next = line.element.nextElementSibling ?? line.element.previousElementSibling;
    const hadFocus = line.element.contains(document.activeElement);
    this.#lines.delete(entry.key);
    line.element.remove();
    if (hadFocus) (next?.querySelector('button:last-child') ?? byId('choose-files')).focus();
    this.#summarize();
  }

  #summarize() {
    const { entries } = this.#queue;
    const done = entries.filter(({ state }) => ['done', 'duplicate'].includes(state)).length;
    byId('queue').hidden = entries.length === 0;
    byId('clear').hidden = !entries.some(isOver);
    byId('summary').textContent = t('queue.summary', { done, total: entries.length });
    this.#showProblem(entries.filter(({ state }) => state === 'failed'));
  }
  // The last that failed, in words; role=alert has it read out.
  #showProblem(failed) {
    const last = failed.at(-1);
    byId('problem').hidden = !last;
    const text = last
      ? t('queue.failed', { count: failed.length, name: shortened(last.name), reason: reasonText(last) })
      : '';
    if (byId('problem-text').textContent !== text) byId('problem-text').textContent = text;
  }
}
