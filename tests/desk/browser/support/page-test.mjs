// A test with a page of its own.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { launch } from './desk.mjs';

let browser;
after(() => browser?.close());

// Chromium reports what the policy of the page forbids as an error on the console, as it does what cannot be
// loaded.
function watch(context, expected) {
  const problems = [];
  const note = text => expected.some(pattern => pattern.test(text)) || problems.push(text);
  context.on('console', message => {
    if (['error', 'warning'].includes(message.type())) note(`${message.text()} ${message.location().url}`);
  });
  context.on('weberror', error => note(String(error.error())));
  return problems;
}

/**
 * A test that gets {page, context, folder}: a browser profile and a folder of its own. It fails if the page
 * reports an error that none of `expected` matches. `options` are those of a browser context.
 */
export function pageTest(name, { expected = [], skip = false, ...options }, body) {
  test(name, { skip, timeout: 120_000 }, async () => {
    browser ??= await launch();
    const context = await browser.newContext({
      locale: 'en-GB',
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    const folder = await mkdtemp(join(tmpdir(), 'desk-'));
    const problems = watch(context, expected);
    try {
      const page = await context.newPage();
      // Whoever waits for the first of these would come too late: listening is what makes Chromium report
      // them.
      page.on('filechooser', () => {});
      await body({ page, context, folder });
      assert.deepEqual(problems, [], 'errors that the page reported');
    } finally {
      await context.close();
      await rm(folder, { recursive: true });
    }
  });
}
