// Sends a part to OSS by the URL the desk has signed.

import { exchange } from './exchange.js';

/** As `exchange`, with the part. */
export function putPart({ url, headers }, part, options) {
  // A part of a file with a type would be sent with it, and it is not signed.
  const body = part.slice(0, part.size, '');
  return exchange({ method: 'PUT', url, headers, body, size: part.size }, options);
}
