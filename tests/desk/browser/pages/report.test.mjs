// The page of `oms-bridge report`: what is drawn, on what screens, and that nothing is loaded for it. The runner makes
// pages of made-up numbers (with the numbers as JSON), and of the journal of the local cloud.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pageTest } from '../support/page-test.mjs';

const FOLDER = process.env.REPORT_PAGES ?? assert.fail('REPORT_PAGES is not set: run tests/desk/run');
const NUMBERS = JSON.parse(readFileSync(join(FOLDER, 'made-up.json'), 'utf8'));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Opens a page; fails if it asks for anything else. */
async function open(page, name) {
  const url = pathToFileURL(join(FOLDER, name)).href;
  page.on('request', request => assert.equal(request.url(), url, 'the page loads something'));
  await page.goto(url);
  return page;
}

/** What is drawn in the plot of the section with this title: each bar or line with its class, and the plot itself. */
const drawn = (page, id) =>
  page.locator(`section[aria-labelledby="${id}"] svg[role="img"]`).evaluate(svg => {
    const box = element => {
      const { left, right, top, bottom, width, height } = element.getBoundingClientRect();
      return { left, right, top, bottom, width, height };
    };
    const marks = [...svg.querySelectorAll('rect, path')].map(mark => ({
      kind: mark.tagName,
      class: mark.getAttribute('class') ?? mark.parentNode.getAttribute('class'),
      ...box(mark),
    }));
    return { plot: box(svg), marks };
  });

/** How many pixels of an element have the colour that a class has there. */
async function pixels(page, element, colour) {
  const picture = (await element.screenshot()).toString('base64');
  return page.evaluate(
    async ([picture, colour]) => {
      const image = new Image();
      image.src = `data:image/png;base64,${picture}`;
      await image.decode();
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      const context = canvas.getContext('2d', { willReadFrequently: true });
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
      const wanted = context.getImageData(0, 0, 1, 1).data;
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let at = 0; at < data.length; at += 4)
        if ([0, 1, 2].every(part => Math.abs(data[at + part] - wanted[part]) < 8)) found += 1;
      return found;
    },
    [picture, colour],
  );
}

const colourOf = (page, selector) => page.locator(selector).first().evaluate(mark => getComputedStyle(mark).color);

pageTest('bars are as high as their numbers, hour by hour', { offline: true }, async ({ page }) => {
  await open(page, 'made-up-en.html');
  const { plot, marks } = await drawn(page, 'outcomes');
  const bars = marks.filter(({ kind }) => kind === 'rect');
  const failed = new Map(NUMBERS.failures.hours.map(({ hour, failed }) => [hour, failed]));
  const hours = NUMBERS.arrivals.hours.map(({ hour, confirmed, late }) => ({
    good: confirmed - late,
    late,
    failed: failed.get(hour) ?? 0,
  }));
  const columns = hours.map(() => ({}));
  for (const bar of bars) {
    const hour = Math.floor((((bar.left + bar.right) / 2 - plot.left) / plot.width) * hours.length);
    assert.equal(columns[hour][bar.class], undefined, `two bars of ${bar.class} in hour ${hour}`);
    columns[hour][bar.class] = bar;
  }
  // The scale, from the first bar; all others must be drawn to it.
  const scale = columns[0].good.height / hours[0].good;
  for (const [at, numbers] of hours.entries()) {
    let top = plot.bottom;
    for (const name of ['good', 'late', 'failed']) {
      const bar = columns[at][name];
      assert.equal(Boolean(bar), numbers[name] > 0, `${name} in hour ${at}`);
      if (!bar) continue;
      assert.ok(Math.abs(bar.height - numbers[name] * scale) < 0.6, `${name} in hour ${at}: ${bar.height}`);
      assert.ok(Math.abs(bar.bottom - top) < 0.6, `${name} in hour ${at} does not stand on what is below it`);
      top = bar.top;
    }
    assert.ok(top >= plot.top - 0.6, `hour ${at} is higher than the plot`);
  }
});

pageTest('lines of the lag lie in order, and the limit above a median in time', { offline: true }, async ({ page }) => {
  await open(page, 'made-up-en.html');
  const { plot, marks } = await drawn(page, 'lag');
  const of = name => marks.find(mark => mark.class === name) ?? assert.fail(`${name} is not drawn`);
  const [p50, p99, limit] = ['line p50', 'line p99', 'limit'].map(of);
  for (const { left, right, top, bottom } of [p50, p99, limit])
    assert.ok(left >= plot.left - 1 && right <= plot.right + 1 && top >= plot.top - 1 && bottom <= plot.bottom + 1);
  assert.ok(p99.bottom < p50.top, 'p99 is drawn above p50');
  assert.ok(limit.top < p50.top, 'the median is in time');
  // From the middle of the first hour to the middle of the last.
  const hours = NUMBERS.arrivals.hours.length;
  assert.ok(Math.abs(p50.width - (plot.width * (hours - 1)) / hours) < 1.5, `${p50.width} of ${plot.width}`);
});

for (const colorScheme of ['light', 'dark']) {
  pageTest(`colours are seen, and texts can be read: ${colorScheme}`, { offline: true, colorScheme }, async ({ page }) => {
    await open(page, 'made-up-en.html');
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [red] = background.match(/\d+/g).map(Number);
    assert.ok(colorScheme === 'dark' ? red < 64 : red > 192, background);
    const plot = id => page.locator(`section[aria-labelledby="${id}"] svg[role="img"]`);
    for (const [id, mark, least] of [
      ['outcomes', 'g.good', 5000],
      ['outcomes', 'g.failed', 100],
      ['lag', '.line.p50', 300],
      ['lag', '.line.p99', 300],
      ['lag', '.limit', 100],
    ]) {
      const colour = await colourOf(page, `section[aria-labelledby="${id}"] svg ${mark}`);
      const found = await pixels(page, plot(id), colour);
      assert.ok(found >= least, `${id} ${mark}: ${found} pixels of ${colour}`);
    }
    for (const details of await page.locator('details').all()) await details.locator('summary').click();
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() =>
      axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
    );
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120))}`);
    assert.deepEqual(found, []);
  });
}

for (const name of ['made-up-en.html', 'made-up-zh.html', 'real-en.html', 'real-zh.html']) {
  for (const width of [320, 375, 1280]) {
    const options = { offline: true, viewport: { width, height: 800 } };
    pageTest(`nothing sticks out of a screen of ${width} pixels: ${name}`, options, async ({ page }) => {
      await open(page, name);
      for (const details of await page.locator('details').all()) await details.locator('summary').click();
      const problems = await page.evaluate(() => {
        const wide = document.documentElement.scrollWidth > innerWidth ? ['the page'] : [];
        // The tables of plots scroll by themselves.
        const shown = [...document.querySelectorAll('body *')].filter(
          element => !element.closest('.wide table, .hidden') && element.checkVisibility(),
        );
        const out = shown.filter(element => {
          const { left, right } = element.getBoundingClientRect();
          return left < -0.5 || right > innerWidth + 0.5;
        });
        const small = shown.filter(
          element =>
            [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()) &&
            parseFloat(getComputedStyle(element).fontSize) < 11.5,
        );
        const named = element => `${element.tagName}.${element.className} ${element.textContent.trim().slice(0, 30)}`;
        return [...wide, ...out.map(named), ...small.map(element => `small: ${named(element)}`)];
      });
      assert.deepEqual(problems, []);
    });
  }
}

pageTest('the page of a real journal names what failed, in both languages', { offline: true }, async ({ page }) => {
  for (const [name, title, failed] of [
    ['real-en.html', 'Arrival of objects', 'refused'],
    ['real-zh.html', '对象到达情况', '被拒绝'],
  ]) {
    page.removeAllListeners('request');
    await open(page, name);
    assert.equal(await page.locator('h1').textContent(), title);
    const row = page.locator('section[aria-labelledby="classes"] tbody tr').filter({ hasText: failed });
    assert.equal(await row.locator('.number').textContent(), '1', name);
    // A key that is markup is text.
    assert.ok((await page.locator('code').allTextContents()).includes('<b>bad</b>&.jpg'), name);
    assert.equal(await page.locator('code b').count(), 0, name);
    assert.equal(await page.locator('section[aria-labelledby="not-equal"] code').first().textContent(), 'only-here');
  }
});

pageTest('each number of a plot is in its table', { offline: true }, async ({ page }) => {
  await open(page, 'made-up-en.html');
  const table = page.locator('section[aria-labelledby="outcomes"] details table');
  await page.locator('section[aria-labelledby="outcomes"] summary').click();
  const rows = await table.locator('tbody tr').evaluateAll(rows =>
    rows.map(row => [...row.children].map(cell => cell.textContent)),
  );
  assert.equal(rows.length, NUMBERS.arrivals.hours.length);
  const { confirmed, late } = NUMBERS.arrivals.hours[0];
  assert.deepEqual(rows[0].slice(1, 3), [String(confirmed - late), String(late)]);
});
