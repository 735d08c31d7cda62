// The desk under test, as the runner tells of it, and what a user does there.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const needed = name => process.env[name] ?? assert.fail(`${name} is not set: run tests/desk/run`);

export const DESK = needed('DESK_URL');
export const TOKEN = needed('DESK_TOKEN');
export const TOKEN_2 = needed('DESK_TOKEN_2');
/**
 * A desk whose upload policies have expired when they arrive; the test of it is skipped where there is none.
 */
export const SHORT_DESK = process.env.DESK_SHORT_URL;
/** A desk with parts of 100 KiB; tests of it are skipped where there is none. */
export const PARTS_DESK = process.env.DESK_PARTS_URL;

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

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });

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
  page
    .locator(state ? `#entries li[data-state="${state}"]` : '#entries li')
    .filter({ has: page.getByText(name, { exact: true }) });

export const reached = (page, name, state) => line(page, name, state).waitFor();

export const card = (page, name) =>
  page.locator('#cards li').filter({ has: page.getByText(name, { exact: true }) });

export const choose = (page, ...files) => page.locator('#files').setInputFiles(files);

/** What the desk answers a program, as {status, body}. */
export async function ask(path, { method = 'GET', token = TOKEN, url = DESK, body } = {}) {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : null };
}
