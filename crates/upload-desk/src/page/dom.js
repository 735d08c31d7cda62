// Elements without markup: what comes from users becomes text, whatever it looks like.

import { PATHS } from './icons.js';

const SVG = 'http://www.w3.org/2000/svg';

/** Properties where the element has them, attributes otherwise; texts among `children` become text nodes. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** A picture that says nothing to those who cannot see it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(path);
  return svg;
}

/** Gives a button or link of one picture its name. */
export function label(element, text) {
  element.setAttribute('aria-label', text);
  element.title = text;
}

export const byId = id => document.getElementById(id);
