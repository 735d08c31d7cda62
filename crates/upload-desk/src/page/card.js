// One object in the list.

import { el, icon, label } from './dom.js';
import { formatBytes, formatDay, formatTime } from './format.js';
import { locale, t } from './i18n.js';
import { iconOf } from './icons.js';
import { areStale, withFreshLinks } from './links.js';

export class Card {
  #api;
  #onError;
  #renewed = false;
  #thumbnail = el('div', { className: 'thumbnail' });
  #name = el('span', { className: 'name' });
  #facts = el('span', { className: 'faint' });
  #mark = el('span', { className: 'mark' });
  #open;
  #download;
  #copy;
  #delete;

  /** `copy(card)`, `remove(card)`, `onError(error)`: what its buttons lead to. `api` for fresh links. */
  constructor(object, { api, forwards, copy, remove, onError }) {
    this.object = object;
    this.#api = api;
    this.#onError = onError;
    this.#open = this.#link('open', 'view', { target: '_blank' });
    this.#download = this.#link('download', 'download');
    this.#copy = el(
      'button',
      { type: 'button', className: 'quiet', onclick: () => copy(this) },
      icon('copy'),
    );
    this.#delete = el(
      'button',
      { type: 'button', className: 'quiet', onclick: () => remove(this) },
      icon('delete'),
    );
    const actions = el('div', { className: 'actions' }, this.#open, this.#download, this.#copy, this.#delete);
    this.#mark.hidden = !forwards;
    const text = el('div', { className: 'text' }, this.#name, this.#facts, this.#mark);
    this.element = el('li', {}, this.#thumbnail, text, actions);
    this.element.dataset.id = object.id;
    this.#picture();
    this.show();
  }

  /** Takes what the desk says now. The picture stays: only its link is another one. */
  update(object) {
    this.object = object;
    this.show();
  }

  show() {
    const { name, size, created_at: created, forwarded, links } = this.object;
    this.#name.textContent = name;
    this.#name.title = name;
    this.#facts.textContent = `${formatBytes(size, locale())} · ${formatDay(created, locale())}`;
    this.#facts.title = formatTime(created, locale());
    // Where the desk forwards nothing there is nothing to wait for.
    this.#mark.hidden = forwarded === null;
    this.#mark.textContent = t(forwarded ? 'object.forwarded' : 'object.waiting');
    this.#mark.dataset.forwarded = forwarded;
    this.#open.href = links.view;
    this.#download.href = links.download;
    for (const [element, action] of [
      [this.#open, 'open'],
      [this.#download, 'download'],
      [this.#copy, 'copy'],
      [this.#delete, 'delete'],
    ]) {
      label(element, t(`object.${action}`, { name }));
    }
  }

  /** The object with links that work. */
  async fresh() {
    this.update(await withFreshLinks(this.object, this.#api));
    return this.object;
  }

  focus() {
    this.#open.focus();
  }

  #link(picture, link, properties = {}) {
    const onclick = event => {
      if (!areStale(this.object, this.#api.now())) return;
      event.preventDefault();
      this.fresh().then(() => element.click(), this.#onError);
    };
    const element = el(
      'a',
      { className: 'button quiet', rel: 'noopener noreferrer', onclick, ...properties },
      icon(picture),
    );
    return element;
  }

  #picture() {
    const { type, links } = this.object;
    if (!links.thumbnail) return this.#thumbnail.replaceChildren(icon(iconOf(type)));
    const onerror = () => this.#withoutPicture();
    const image = el('img', { alt: '', loading: 'lazy', decoding: 'async', draggable: false, onerror });
    image.src = links.thumbnail;
    this.#thumbnail.replaceChildren(image, ...(iconOf(type) === 'video' ? [icon('play')] : []));
  }

  // An image that scrolls into view late may have an expired link.
  #withoutPicture() {
    this.#thumbnail.replaceChildren(icon(iconOf(this.object.type)));
    if (this.#renewed || !areStale(this.object, this.#api.now())) return;
    this.#renewed = true;
    this.fresh().then(() => this.#picture(), this.#onError);
  }
}
