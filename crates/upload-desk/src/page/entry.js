// One line of the queue: a file, or an address to fetch from.
//
// States: waiting → hashing → asking → sending → settling → done | duplicate, or failed | cancelled. After a
// reload: checking → done | interrupted (the file must be chosen again). In parts: asking → comparing →
// sending, and paused ↔ waiting. From an address: fetching → done | failed.

const RUNNING = new Set(['hashing', 'asking', 'comparing', 'sending', 'settling', 'checking', 'fetching']);
const OVER = new Set(['done', 'duplicate', 'failed', 'cancelled']);

// crypto.randomUUID is missing where the page is not served by https.
const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(12)), byte => byte.toString(16).padStart(2, '0')).join('');

export const fileEntry = file => ({
  key: newKey(),
  kind: 'file',
  name: file.name,
  size: file.size,
  lastModified: file.lastModified,
  type: file.type,
  state: 'waiting',
});

export const urlEntry = url => ({
  key: newKey(),
  kind: 'url',
  name: new URL(url).pathname.split('/').findLast(Boolean) ?? url,
  url,
  state: 'waiting',
});

export const isRunning = entry => RUNNING.has(entry.state);
export const isOver = entry => OVER.has(entry.state);

/** Whether it can be tried again as it is. */
export const canRetry = entry =>
  ['failed', 'cancelled'].includes(entry.state) && Boolean(entry.file ?? entry.url);

/** Whether it can be paused: what is stored of it stays. */
export const canPause = entry => Boolean(entry.parts) && ['asking', 'comparing', 'sending'].includes(entry.state);

/** Whether `file` is the one that this interrupted upload was of. */
export const awaits = (entry, file) =>
  entry.kind === 'file' &&
  !entry.file &&
  !isOver(entry) &&
  entry.name === file.name &&
  entry.size === file.size &&
  entry.lastModified === file.lastModified;

/** What is kept over a reload; null if there is nothing to go on with. */
export function recordOf({ key, kind, name, size, lastModified, type, id, state, complete, parts, failure }) {
  const over = ['done', 'duplicate', 'cancelled'].includes(state) || (state === 'failed' && !failure?.again);
  if (over || (kind === 'url' && !id)) return null;
  return { key, kind, name, size, lastModified, type, id, complete, ...(parts && { parts }) };
}

const isText = value => typeof value === 'string' && value !== '';

/** The entry of such a record, or null if it is none. */
export function entryOf(record) {
  if (!record || !isText(record.key) || !isText(record.name)) return null;
  const { key, kind, name, size, lastModified, type, id, complete, parts } = record;
  if (kind === 'url' && isText(id)) return { key, kind, name, id, state: 'fetching' };
  if (kind !== 'file' || !Number.isFinite(size) || !Number.isFinite(lastModified)) return null;
  const state = id ? 'checking' : 'interrupted';
  return { key, kind, name, size, lastModified, type, id, complete, ...(parts && { parts: true }), state };
}
