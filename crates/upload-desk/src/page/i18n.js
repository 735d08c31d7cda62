// The language of the page.

import { lasting, write } from './storage.js';
import { strings } from './strings.js';

const KEY = 'desk.language';
const TAGS = { en: 'en', zh: 'zh-CN' };

/**
 * The remembered language, or the first of `preferred` (tags as in navigator.languages) that there is, or
 * English.
 */
export function choose(remembered, preferred) {
  const known = language => Object.hasOwn(strings, language);
  if (known(remembered)) return remembered;
  return preferred.map(tag => tag.toLowerCase().split('-')[0]).find(known) ?? 'en';
}

const preferred = globalThis.navigator?.languages ?? [];
let language = choose(lasting.getItem(KEY), preferred);

/** For Intl: the user's own variety of the language if the browser names one. */
export const locale = () =>
  preferred.find(tag => tag.toLowerCase().split('-')[0] === language) ?? TAGS[language];

/** Whether there is a text of that name. */
export const has = key => Object.hasOwn(strings[language], key);

export const t = (key, values = {}) => fill(strings[language][key], values);

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '').trim();

/**
 * Puts the texts into what index.html marks with `data-t` (content) and `data-t-label` (accessible name and
 * tooltip).
 */
export function translate(root = document) {
  document.documentElement.lang = TAGS[language];
  document.title = t('title');
  for (const element of root.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
  for (const element of root.querySelectorAll('[data-t-label]')) {
    element.setAttribute('aria-label', t(element.dataset.tLabel));
    if ('placeholder' in element) element.placeholder = t(element.dataset.tLabel);
  }
}

export function switchLanguage() {
  language = language === 'en' ? 'zh' : 'en';
  write(lasting, KEY, language);
}
