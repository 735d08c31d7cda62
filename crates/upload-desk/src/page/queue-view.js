// The queue as the user sees it: one line per entry, made once and then kept up to date.

import { announce } from './announce.js';
import { byId, el, icon, label } from './dom.js';
import { canRetry, isOver, isRunning } from './entry.js';
import { formatBytes, formatDuration } from './format.js';
import { locale, t } from './i18n.js';
import { iconOf } from './icons.js';
import { Rate } from './rate.js';

const bytes = value => formatBytes(value, locale());

function stateText({ state, sent = 0, size, failure }, rate) {
  if (state === 'failed') {
    const { limit } = failure.values;
    const values = limit == null ? failure.values : { limit: bytes(limit) };
    return t(`why.${failure.reason}`, values);
  }
  const speed = state === 'sending' && sent < size ? rate.bytesPerSecond : undefined;
  if (!speed) return t(`state.${state}`, { sent: bytes(sent), size: bytes(size ?? 0) });
  const left = formatDuration((size - sent) / speed, locale());
  return t('state.rate', { sent: bytes(sent), size: bytes(size), rate: bytes(speed), left });
}

class Line {
  #entry;
  #rate = new Rate();
  #name = el('span', { className: 'name' });
  #state = el('span', { className: 'state' });
  #bar = el('progress', { max: 1 });
  #again;
  #away;

  constructor(entry, queue) {
    this.#entry = entry;
    const act = () => (entry.state === 'interrupted' ? byId('files').click() : queue.retry(entry));
    const leave = () =>
      isRunning(entry) || entry.state === 'waiting' ? queue.cancel(entry) : queue.remove(entry);
    this.#again = el('button', { type: 'button', className: 'quiet', onclick: act }, icon('retry'));
    this.#away = el('button', { type: 'button', className: 'quiet', onclick: leave }, icon('close'));
    const text = el('div', {}, this.#name, this.#bar, this.#state);
    this.element = el('li', {}, icon(iconOf(entry.type)), text, this.#again, this.#away);
  }

  show() {
    const entry = this.#entry;
    const { name, state, sent = 0, size } = entry;
    if (state === 'sending') this.#rate.add(sent, performance.now());
    this.element.dataset.state = state;
    this.#name.textContent = name;
    this.#name.title = name;
    this.#state.textContent = stateText(entry, this.#rate);
    this.#bar.hidden = !isRunning(entry);
    // An unknown share is a bar without a value.
    if (['sending', 'hashing'].includes(state)) this.#bar.value = size > 0 ? sent / size : 1;
    else this.#bar.removeAttribute('value');
    this.#bar.setAttribute('aria-label', t('queue.progress', { name }));
    this.#again.hidden = state !== 'interrupted' && !canRetry(entry);
    label(this.#again, t(state === 'interrupted' ? 'do.choose' : 'do.retry', { name }));
    label(this.#away, t(isRunning(entry) || state === 'waiting' ? 'do.cancel' : 'do.remove', { name }));
  }
}

export class QueueView {
  #queue;
  #lines = new Map();

  constructor(queue) {
    this.#queue = queue;
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
    this.#summarize();
    if (isOver(entry)) announce(`${entry.name}: ${t(`state.${entry.state}`)}`);
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
  }
}
