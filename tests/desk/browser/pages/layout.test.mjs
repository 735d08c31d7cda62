// What is seen on small screens and by those who do not see: widths, overlaps, axe-core, the keyboard.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DESK, card, choose, line, reached, signIn } from '../support/desk.mjs';
import { makeFile, unique } from '../support/files.mjs';
import { pageTest } from '../support/page-test.mjs';
import { withFault } from '../support/twin.mjs';

const broken = [/net::ERR_/, /Failed to load resource/];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const refused = {
  status: 403,
  headers: [],
  body: '<Error><Code>AccessDenied</Code><Message>oss:PutObject</Message></Error>',
};

/** Runs axe-core and fails with what it finds. */
async function assertAccessible(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120))}`);
  assert.deepEqual(found, [], what);
}

/** What sticks out of the window or lies on something else, as texts. */
const problems = page =>
  page.evaluate(() => {
    const found = [];
    const shown = [...document.querySelectorAll('body *')].filter(element => {
      const { width, height } = element.getBoundingClientRect();
      return width > 0 && height > 0 && element.checkVisibility({ visibilityProperty: true });
    });
    const named = element => `${element.tagName}#${element.id}.${element.className} ${element.textContent.trim().slice(0, 30)}`;
    if (document.documentElement.scrollWidth > innerWidth)
      found.push(`the page is ${document.documentElement.scrollWidth} wide`);
    for (const element of shown) {
      const { left, right } = element.getBoundingClientRect();
      if (left < -0.5 || right > innerWidth + 0.5) found.push(`sticks out: ${named(element)}`);
    }
    // What a list that scrolls cuts off at its side.
    const list = document.getElementById('entries').getBoundingClientRect();
    for (const element of shown.filter(element => element.closest('#entries li')))
      if (element.getBoundingClientRect().right > list.right + 0.5) found.push(`beyond the list: ${named(element)}`);
    for (const heading of shown.filter(element => element.matches('h2'))) {
      if (heading.getClientRects().length && heading.offsetHeight > 1.6 * parseFloat(getComputedStyle(heading).lineHeight))
        found.push(`wraps: ${named(heading)}`);
    }
    const controls = shown.filter(element => element.matches('button, a, input'));
    for (const control of controls) {
      if (control.matches('button, a') && control.scrollWidth > control.clientWidth + 1)
        found.push(`cut off: ${named(control)}`);
    }
    const crossing = (one, other) => {
      const [a, b] = [one.getBoundingClientRect(), other.getBoundingClientRect()];
      return a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    };
    const dialog = document.querySelector('dialog[open]');
    const within = controls.filter(control => !dialog || dialog.contains(control));
    within.forEach((one, index) => {
      for (const other of within.slice(index + 1))
        if (crossing(one, other)) found.push(`${named(one)} lies on ${named(other)}`);
    });
    const toast = document.getElementById('status');
    // A dialog lies on everything.
    if (!dialog && toast.textContent) {
      const rest = shown.filter(
        element => element.matches('button, a, input, p, h1, h2, span, img') && !toast.contains(element),
      );
      for (const element of rest) if (crossing(toast, element)) found.push(`the toast lies on ${named(element)}`);
    }
    return found;
  });

/** A page on which everything is: a queue with a failure, an object with a long name, news. */
async function fill(page, folder) {
  const long = await makeFile(folder, `a-rather-long-name-without-any-place-to-break-it-${unique('.txt')}`);
  await choose(page, long.path);
  await reached(page, long.name, 'done');
  await card(page, long.name).waitFor();
  const failed = await makeFile(folder, unique('.txt'));
  const body = refused.body.replace('AccessDenied', 'AWordWithoutAnyPlaceToBreakItFromTheStorage');
  await withFault({ action: { respond: { ...refused, body } } }, async () => {
    await choose(page, failed.path);
    await reached(page, failed.name, 'failed');
  });
  return { long, failed };
}

for (const locale of ['en-GB', 'zh-CN']) {
  for (const width of [320, 375, 400, 1280]) {
    pageTest(
      `nothing sticks out or lies on something else at ${width} px, and axe-core finds nothing (${locale})`,
      { expected: broken, locale, viewport: { width, height: 640 } },
      async ({ page, folder }) => {
        const tried = [320, 1280].includes(width);
        await page.goto(DESK);
        await page.locator('#sign-in[open]').waitFor();
        assert.deepEqual(await problems(page), [], 'sign-in');
        if (tried) await assertAccessible(page, 'sign-in');
        await signIn(page);
        const { long } = await fill(page, folder);
        assert.deepEqual(await problems(page), [], 'failure');
        if (tried) await assertAccessible(page, 'failure');
        await card(page, long.name).locator('.actions button').last().click();
        await page.locator('#confirm[open]').waitFor();
        await page.evaluate(() => scrollTo(0, 0));
        assert.deepEqual(await problems(page), [], 'question');
        if (tried) await assertAccessible(page, 'question');
        await page.locator('#confirm .danger').click();
        await card(page, long.name).waitFor({ state: 'detached' });
        assert.notEqual(await page.locator('#status').textContent(), '');
        await page.evaluate(() => scrollTo(0, 0));
        assert.deepEqual(await problems(page), [], 'news');
      },
    );
  }
}

for (const [locale, words] of [
  ['en-GB', 'The storage refused the file (AccessDenied).'],
  ['zh-CN', '存储拒绝了该文件（AccessDenied）。'],
]) {
  pageTest(
    `a failure is seen wherever one is on the page, in words (${locale})`,
    { expected: broken, locale, viewport: { width: 320, height: 568 } },
    async ({ page, folder }) => {
      await signIn(page);
      const kept = await makeFile(folder, unique('.txt'));
      await choose(page, kept.path);
      await reached(page, kept.name, 'done');
      await card(page, kept.name).waitFor();
      const file = await makeFile(folder, unique('.txt'));
      await withFault({ action: { respond: refused } }, async ({ struck }) => {
        await choose(page, file.path);
        await struck();
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
        await reached(page, file.name, 'failed');
      });
      const problem = page.locator('#problem-text');
      assert.ok((await problem.textContent()).includes(`${file.name}`));
      assert.ok((await problem.textContent()).includes(words), await problem.textContent());
      const box = await problem.boundingBox();
      assert.ok(box.y >= 0 && box.y + box.height <= 568, JSON.stringify(box));
      assert.equal(await problem.getAttribute('role'), 'alert');
      await page.locator('#problem-show').press('Enter');
      assert.ok(
        await line(page, file.name).evaluate(element => element.contains(document.activeElement)),
        'the keyboard is at the line that failed',
      );
      assert.equal(await page.locator('#entries li').first().getAttribute('data-state'), 'failed');
      await page.keyboard.press('Enter');
      await reached(page, file.name, 'done');
      await page.locator('#problem').waitFor({ state: 'hidden' });
    },
  );
}

pageTest('everything is reached with the keyboard, in the order it is seen in', {}, async ({ page, folder }) => {
  await signIn(page);
  const file = await makeFile(folder, unique('.txt'));
  await choose(page, file.path);
  await card(page, file.name).waitFor();
  await page.evaluate(() => document.activeElement.blur());
  const wanted = await page.evaluate(() =>
    [...document.querySelectorAll('#app button, #app a, #app input')]
      .filter(element => element.checkVisibility() && !element.disabled)
      .slice(0, 12)
      .map(element => element.id || element.getAttribute('aria-label') || element.textContent.trim()),
  );
  const met = [];
  for (let count = 0; count < wanted.length; count += 1) {
    await page.keyboard.press('Tab');
    met.push(
      await page.evaluate(() => {
        const { activeElement: at } = document;
        return at.id || at.getAttribute('aria-label') || at.textContent.trim();
      }),
    );
  }
  assert.deepEqual(met, wanted);
});
