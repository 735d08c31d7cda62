// What the desk says it does not take, told before anything is sent.

import { Failure } from './failure.js';

const matches = (type, pattern) =>
  pattern === type || (pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1)));

/**
 * The `Failure` of `file` by the limits of `GET /me`, or null. A file whose type the browser does not know is
 * left to the desk.
 */
export function refusal({ size, type }, { max_size: limit, types }) {
  if (limit != null && size > limit) return new Failure('overLimit', { limit });
  const essence = type.split(';')[0].trim().toLowerCase();
  if (types && essence && !types.some(pattern => matches(essence, pattern)))
    return new Failure('wrongType', { message: type });
  return null;
}
