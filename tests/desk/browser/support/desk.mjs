// The desk under test, as the runner tells of it, and a test with a page of its own.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { chromium } from 'playwright-core';

const needed = name => process.env[name] ?? assert.fail(`${name} is not set: run tests/desk/run`);

export const DESK = needed('DESK_URL');
export const TOKEN = needed('DESK_TOKEN');
export const TOKEN_2 = needed('DESK_TOKEN_2');
/** A desk whose upload policies have expired when they arrive; the test of it is skipped where there is none. */
export const SHORT_DESK = process.env.DESK_SHORT_URL;

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

let browser;
after(() => browser?.close());

// Chromium reports what the policy of the page forbids as an error on the console, as it does what cannot be loaded.
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
 * A test that gets {page, context, folder}: a browser profile and a folder of its own. It fails if the page reports an error
 * that none of `expected` matches. `options` are those of a browser context.
 */
export function pageTest(name, { expected = [], skip = false, ...options }, body) {
  test(name, { skip, timeout: 120_000 }, async () => {
    browser ??= await launch();
    const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 }, ...options });
    const folder = await mkdtemp(join(tmpdir(), 'desk-'));
    const problems = watch(context, expected);
    try {
      const page = await context.newPage();
      // Whoever waits for the first of these would come too late: listening is what makes Chromium report them.
      page.on('filechooser', () => {});
      await body({ page, context, folder });
      assert.deepEqual(problems, [], 'errors that the page reported');
    } finally {
      await context.close();
      await rm(folder, { recursive: true });
    }
  });
}

/** Opens the desk and signs in as a user would. */
export async function signIn(page, { token = TOKEN, url = DESK, remember = false } = {}) {
  await page.goto(url);
  await enterToken(page, token, remember);
}

export async function enterToken(page, token, remember = false) {
  await page.locator('#sign-in[open]').waitFor();
  await page.locator('#token').fill(token);
  if (remember) await page.locator('#remember').check();
  await page.keyboard.press('Enter');
  await page.locator('#app:not([hidden])').waitFor();
  await page.locator('#sign-in:not([open])').waitFor({ state: 'attached' });
}

/** The line of the queue, in `state` if one is given. */
export const line = (page, name, state) =>
  page.locator(state ? `#entries li[data-state="${state}"]` : '#entries li').filter({ has: page.getByText(name, { exact: true }) });

export const reached = (page, name, state) => line(page, name, state).waitFor();

export const card = (page, name) => page.locator('#cards li').filter({ has: page.getByText(name, { exact: true }) });

export const choose = (page, ...files) => page.locator('#files').setInputFiles(files);

/** What the desk answers a program, as {status, body}. */
export async function ask(path, { method = 'GET', token = TOKEN, url = DESK, body } = {}) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}
