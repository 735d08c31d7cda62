// The list of objects: pages, search, and news of what is on its way.

import { announce } from './announce.js';
import { delay } from './backoff.js';
import { Card } from './card.js';
import { copy } from './clipboard.js';
import { confirmDeletion, showLink } from './dialogs.js';
import { byId } from './dom.js';
import { formatTime } from './format.js';
import { locale, t } from './i18n.js';

const PAGE = 40;
const TYPING = 250;

export class Gallery {
  #api;
  #forwards;
  #cards = new Map();
  #arrived = new Set();
  #next = null;
  #name = '';
  #loading = null;
  #error = null;
  #sight;
  #refresh = { timer: undefined, count: 0 };

  /** `forwards`: whether the desk hands on what it has. */
  constructor(api, { forwards }) {
    this.#api = api;
    this.#forwards = forwards;
    byId('more').onclick = () => this.#loadMore();
    this.#sight = new IntersectionObserver(
      seen => seen.at(-1).isIntersecting && !this.#error && this.#loadMore(),
    );
    let typing;
    byId('search').oninput = ({ target }) => {
      clearTimeout(typing);
      typing = setTimeout(() => this.search(target.value.trim()), TYPING);
    };
    document.addEventListener('visibilitychange', () => document.hidden || this.#watch(true));
  }

  search(name) {
    this.#name = name;
    return this.reload();
  }

  /** Loads the list from its newest. */
  reload() {
    this.#loading?.abort();
    this.#loading = null;
    return this.#load(null);
  }

  /** Shows an object that has just been stored. */
  put(object) {
    if (!object.name.toLowerCase().includes(this.#name.toLowerCase())) return;
    this.#arrived.add(object.id);
    this.#show(object);
    this.#note();
    this.#watch(true);
  }

  /** Shows everything again, after a change of language too. */
  render() {
    for (const card of this.#cards.values()) card.show();
    this.#note();
  }

  async #loadMore() {
    if (!this.#loading && (this.#next || this.#error)) await this.#load(this.#next);
  }

  async #load(after) {
    const loading = new AbortController();
    this.#loading = loading;
    if (!after) this.#arrived.clear();
    byId('cards').setAttribute('aria-busy', 'true');
    try {
      const { objects, next } = await this.#api.objects(
        { after, name: this.#name, limit: PAGE },
        loading.signal,
      );
      if (!after) this.#empty();
      for (const object of objects) this.#show(object);
      this.#next = next;
      this.#error = null;
    } catch (error) {
      if (loading.signal.aborted) return;
      this.#error = error;
    }
    this.#loading = null;
    byId('cards').removeAttribute('aria-busy');
    this.#note();
    this.#watch(true);
    // Observed anew, it tells at once whether the button is still in sight.
    this.#sight.unobserve(byId('more'));
    this.#sight.observe(byId('more'));
  }

  // Spares what was stored while the list was on its way: it may not be in it.
  #empty() {
    for (const [id, { element }] of this.#cards) {
      if (this.#arrived.has(id)) continue;
      this.#cards.delete(id);
      element.remove();
    }
  }

  // Ids sort by time.
  #show(object) {
    const known = this.#cards.get(object.id);
    if (known) return known.update(object);
    const { element } = this.#cardOf(object);
    const older = [...byId('cards').children].find(({ dataset }) => dataset.id < object.id);
    byId('cards').insertBefore(element, older ?? null);
  }

  #note() {
    const none = this.#name ? t('objects.noMatch', { name: this.#name }) : t('objects.none');
    byId('list-note').textContent = this.#error
      ? t('objects.failed', { message: this.#error.message })
      : this.#cards.size > 0
        ? ''
        : none;
    byId('more').hidden = !this.#next && !this.#error;
    byId('more').textContent = t(this.#error ? 'objects.again' : 'objects.more');
  }

  #cardOf(object) {
    const onError = error => announce(t('failed', { message: error.message }));
    const guarded = action => card => action(card).catch(onError);
    const card = new Card(object, {
      api: this.#api,
      forwards: this.#forwards,
      copy: guarded(card => this.#copy(card)),
      remove: guarded(card => this.#remove(card)),
      onError,
    });
    this.#cards.set(object.id, card);
    return card;
  }

  async #copy(card) {
    const { links, links_expire_at: expiry } = await card.fresh();
    if (await copy(links.download)) announce(t('copy.done', { time: formatTime(expiry, locale()) }));
    else await showLink(links.download);
  }

  async #remove(card) {
    const { id, name } = card.object;
    if (!(await confirmDeletion(name))) return;
    try {
      await this.#api.remove(id);
    } catch (error) {
      // Gone already, in another tab perhaps.
      if (error.status !== 404) throw error;
    }
    const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
    this.#cards.delete(id);
    card.element.remove();
    (this.#cards.get(next?.dataset.id) ?? byId('objects-title')).focus();
    this.#note();
    announce(t('delete.done', { name }));
  }

  // While something is on its way and somebody looks, asks for the newest page, at first often.
  #watch(afresh) {
    clearTimeout(this.#refresh.timer);
    if (afresh) this.#refresh.count = 0;
    if (
      !this.#forwards ||
      document.hidden ||
      ![...this.#cards.values()].some(({ object }) => object.forwarded === false)
    )
      return;
    this.#refresh.count += 1;
    this.#refresh.timer = setTimeout(
      () => this.#look(),
      delay(this.#refresh.count, { base: 2000, most: 60_000 }),
    );
  }

  async #look() {
    try {
      const { objects } = await this.#api.objects({ name: this.#name, limit: PAGE });
      for (const object of objects) this.#show(object);
    } catch {
      // The next look may do better; a refused token brings the sign-in by itself.
    }
    this.#watch(false);
  }
}
