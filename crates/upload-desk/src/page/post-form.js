// Sends a file to OSS by the form the desk has signed.

import { exchange } from './exchange.js';

/** As `exchange`, with the file. */
export function postForm({ url, fields }, file, options) {
  const body = new FormData();
  for (const [name, value] of fields) body.append(name, value);
  // The key is signed, so the name says nothing here, and not every name is safe in a header.
  body.append('file', file, 'file');
  return exchange({ method: 'POST', url, body, size: file.size }, options);
}
