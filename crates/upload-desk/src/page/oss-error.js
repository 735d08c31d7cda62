// The error documents of OSS.

/**
 * `<Error><Code>…</Code><Message>…</Message></Error>` as {code, message}; empty texts if it is no such
 * document.
 */
export function readError(text, parser = new DOMParser()) {
  // Of text that is no XML, Chromium makes a document with a styled complaint, which the page's policy
  // forbids.
  if (!/<\/Error>\s*$/.test(text)) return { code: '', message: '' };
  const document = parser.parseFromString(text, 'application/xml');
  const textOf = name => document.querySelector(`Error > ${name}`)?.textContent.trim() ?? '';
  return { code: textOf('Code'), message: textOf('Message') };
}
