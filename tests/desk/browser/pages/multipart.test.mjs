import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { PARTS_DESK as url, SHORT_DESK, ask, card, choose, line, reached, signIn } from '../support/desk.mjs';
import { makeFile, unique } from '../support/files.mjs';
import { pageTest } from '../support/page-test.mjs';
import { withFault } from '../support/twin.mjs';

const broken = [/net::ERR_/, /Failed to load resource/];
const skip = !url;
const PART = 102_400;
const parts = 20;
const large = folder => makeFile(folder, unique('.bin'), randomBytes(parts * PART - 7));
const sha256 = content => createHash('sha256').update(content).digest('hex');
const isPart = url => url.searchParams.has('partNumber');
const numberOf = request => Number(new URL(request.url()).searchParams.get('partNumber'));

/** What the page sends from now on: numbers of parts, and how often it begins an upload. */
function watch(page) {
  const seen = { sent: [], begun: 0, most: 0 };
  let running = 0;
  const ended = request => isPart(new URL(request.url())) && request.method() === 'PUT' && (running -= 1);
  page.on('request', request => {
    const address = new URL(request.url());
    if (request.method() === 'POST' && address.pathname === '/uploads/multipart') seen.begun += 1;
    if (request.method() !== 'PUT' || !isPart(address)) return;
    seen.sent.push(numberOf(request));
    running += 1;
    seen.most = Math.max(seen.most, running);
  });
  page.on('requestfinished', ended);
  page.on('requestfailed', ended);
  return seen;
}

async function assertStored(page, { name, content }) {
  await card(page, name).waitFor();
  const { body } = await ask(`/objects?limit=1&name=${encodeURIComponent(name)}`, { url });
  const stored = await fetch(body.objects[0].links.download);
  assert.equal(sha256(Buffer.from(await stored.arrayBuffer())), sha256(content));
}

pageTest('a large file goes up in parts, three at once', { skip }, async ({ page, folder }) => {
  await signIn(page, { url });
  const file = await large(folder);
  const seen = watch(page);
  await choose(page, file.path);
  await reached(page, file.name, 'done');
  assert.deepEqual(
    seen.sent.toSorted((a, b) => a - b),
    Array.from({ length: parts }, (_, index) => index + 1),
  );
  assert.ok(seen.most > 1 && seen.most <= 3, `${seen.most} at once`);
  await assertStored(page, file);
});

pageTest(
  'a network that breaks costs the parts on their way, and nothing else',
  { expected: broken, skip },
  async ({ page, folder }) => {
    await signIn(page, { url });
    const file = await large(folder);
    const seen = watch(page);
    const ill = {
      status: 503,
      headers: [],
      body: '<Error><Code>ServiceUnavailable</Code><Message>later</Message></Error>',
    };
    const reset = { method: 'PUT', path: 'partNumber=7&', action: 'reset_mid_request', count: 2 };
    const busy = { method: 'PUT', path: 'partNumber=9&', action: { respond: ill }, count: 1 };
    await withFault(reset, ({ hits }) =>
      withFault(busy, async () => {
        await choose(page, file.path);
        await reached(page, file.name, 'done');
        assert.equal(await hits(), 2);
      }),
    );
    assert.equal(seen.begun, 1);
    assert.equal(seen.sent.filter(number => number === 9).length, 2);
    // The browser itself repeats some of what breaks on a connection that was used before.
    assert.equal(seen.sent.filter(number => ![7, 9].includes(number)).length, parts - 2);
    await assertStored(page, file);
  },
);

pageTest(
  'after a reload only what is missing is sent',
  { expected: broken, skip },
  async ({ page, folder }) => {
    await signIn(page, { url });
    const file = await large(folder);
    const before = watch(page);
    const rule = { method: 'PUT', path: 'partNumber=12&', action: 'hold' };
    await withFault(rule, async ({ struck }) => {
      await choose(page, file.path);
      await struck();
      // The other lanes go on to the end.
      await line(page, file.name).getByText(/(?<![\d.])(1\.9|2) MiB of 2 MiB/).waitFor();
      await page.reload();
      await line(page, file.name).getByText('choose the file again').waitFor();
    });
    assert.equal(before.begun, 1);
    const after = watch(page);
    await choose(page, file.path);
    await reached(page, file.name, 'done');
    assert.equal(after.begun, 0);
    assert.ok(after.sent.length < 6, `${after.sent}`);
    await assertStored(page, file);
  },
);

pageTest(
  'an upload that another page began goes on here',
  { expected: broken, skip },
  async ({ page, context, folder }) => {
    await signIn(page, { url });
    const file = await large(folder);
    const other = await context.browser().newContext({ locale: 'en-GB' });
    try {
      const rule = { method: 'PUT', path: 'partNumber=12&', action: 'hold', count: 1 };
      await withFault(rule, async ({ struck }) => {
        await choose(page, file.path);
        await struck();
        await line(page, file.name).getByText(/(?<![\d.])(1\.9|2) MiB of 2 MiB/).waitFor();
        const second = await other.newPage();
        await signIn(second, { url });
        const seen = watch(second);
        await choose(second, file.path);
        await reached(second, file.name, 'done');
        assert.equal(seen.begun, 0);
        assert.ok(seen.sent.length < 6, `${seen.sent}`);
        await assertStored(second, file);
      });
      // The first page finds out that it is done.
      await reached(page, file.name, 'done');
    } finally {
      await other.close();
    }
  },
);

pageTest(
  'a paused upload keeps what is stored, and goes on from there',
  { expected: broken, skip },
  async ({ page, folder }) => {
    await signIn(page, { url });
    const file = await large(folder);
    const seen = watch(page);
    const rule = { method: 'PUT', path: 'partNumber=5&', action: 'hold' };
    await withFault(rule, async ({ struck }) => {
      await choose(page, file.path);
      await struck();
      await line(page, file.name)
        .getByRole('button', { name: `Pause ${file.name}` })
        .click();
      await reached(page, file.name, 'paused');
      await line(page, file.name).getByText('Paused at').waitFor();
    });
    const sent = seen.sent.length;
    await line(page, file.name)
      .getByRole('button', { name: `Go on with ${file.name}` })
      .click();
    await reached(page, file.name, 'done');
    assert.equal(seen.begun, 1);
    assert.ok(seen.sent.length - sent < parts);
    await assertStored(page, file);
  },
);

pageTest(
  'a cancelled upload leaves no parts behind',
  { expected: broken, skip },
  async ({ page, folder }) => {
    await signIn(page, { url });
    const file = await large(folder);
    const rule = { method: 'PUT', path: 'partNumber=5&', action: 'hold' };
    await withFault(rule, async ({ struck }) => {
      await choose(page, file.path);
      await struck();
      const aborted = page.waitForResponse(response => response.request().method() === 'DELETE');
      await line(page, file.name)
        .getByRole('button', { name: `Cancel ${file.name}` })
        .click();
      await reached(page, file.name, 'cancelled');
      assert.equal((await aborted).status(), 204);
    });
    const { body } = await ask('/uploads/multipart', { url });
    assert.deepEqual(body.uploads.filter(({ name }) => name === file.name), []);
  },
);

pageTest(
  'a URL that has expired is replaced',
  { expected: broken, skip: !SHORT_DESK },
  async ({ page, folder }) => {
    await signIn(page, { url: SHORT_DESK });
    const file = await large(folder);
    const seen = watch(page);
    let signed;
    page.on('response', response => {
      if (response.request().method() === 'POST' && response.url().endsWith('/parts')) signed = response.json();
    });
    await page.route(
      isPart,
      async route => {
        const expiry = Date.parse((await signed).expires_at);
        while (Date.now() <= expiry + 1000) await pause(expiry + 1001 - Date.now());
        await route.continue();
      },
      { times: 1 },
    );
    await choose(page, file.path);
    await reached(page, file.name, 'done');
    assert.equal(seen.begun, 1);
    assert.ok(seen.sent.length > parts);
  },
);
