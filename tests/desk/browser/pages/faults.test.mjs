import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { DESK, SHORT_DESK, ask, card, choose, line, reached, signIn } from '../support/desk.mjs';
import { makeFile, unique } from '../support/files.mjs';
import { pageTest } from '../support/page-test.mjs';
import { withFault } from '../support/twin.mjs';

const broken = [/net::ERR_/, /Failed to load resource/];
const postsTo = (page, test) => {
  const posts = [];
  page.on(
    'request',
    request => request.method() === 'POST' && test(new URL(request.url())) && posts.push(request.url()),
  );
  return posts;
};
const desks = [DESK, SHORT_DESK].filter(Boolean).map(desk => new URL(desk).origin);
const isForm = url => !desks.includes(url.origin);

pageTest(
  'an upload whose callback is lost is settled by looking, and not sent twice',
  {},
  async ({ page, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.txt'));
    const forms = postsTo(page, isForm);
    const checks = postsTo(page, url => url.pathname.endsWith('/check'));
    await withFault({ action: 'lose_callback', count: 1 }, async ({ hits }) => {
      await choose(page, file.path);
      await reached(page, file.name, 'done');
      assert.equal(await hits(), 1);
    });
    assert.equal(forms.length, 1);
    assert.ok(checks.length >= 1);
    await card(page, file.name).waitFor();
  },
);

pageTest(
  'a connection that breaks when all is done is settled by looking too',
  { expected: broken },
  async ({ page, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.txt'));
    const forms = postsTo(page, isForm);
    await withFault({ action: 'reset_mid_response', count: 1 }, async ({ hits }) => {
      await choose(page, file.path);
      await reached(page, file.name, 'done');
      assert.equal(await hits(), 1);
    });
    assert.equal(forms.length, 1);
  },
);

pageTest(
  'a connection that breaks on the way, and a storage that is ill, are tried again with a new form',
  { expected: broken },
  async ({ page, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.bin'), randomBytes(1 << 20));
    const orders = postsTo(page, url => url.pathname === '/uploads');
    const ill = {
      status: 503,
      headers: [],
      body: '<Error><Code>ServiceUnavailable</Code><Message>later</Message></Error>',
    };
    await withFault({ action: 'reset_mid_request', count: 1 }, () =>
      withFault({ action: { respond: ill }, count: 1 }, async () => {
        await choose(page, file.path);
        await reached(page, file.name, 'done');
      }),
    );
    // The browser itself repeats some of what breaks on a connection that was used before.
    assert.ok(orders.length >= 2);
  },
);

pageTest(
  'what cannot be sent is told, and can be tried again',
  { expected: broken },
  async ({ page, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.bin'), randomBytes(1 << 20));
    const orders = postsTo(page, url => url.pathname === '/uploads');
    await withFault({ action: 'reset_mid_request' }, async () => {
      await choose(page, file.path);
      await reached(page, file.name, 'failed');
    });
    assert.equal(orders.length, 3);
    await line(page, file.name).getByText('The connection to the storage broke').waitFor();
    await line(page, file.name)
      .getByRole('button', { name: `Try ${file.name} again` })
      .click();
    await reached(page, file.name, 'done');
  },
);

pageTest(
  'a cancelled upload stops, makes room and can be started again',
  { expected: broken },
  async ({ page, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.txt'));
    await withFault({ action: 'hang', count: 1 }, async ({ struck }) => {
      await choose(page, file.path);
      await struck();
      await reached(page, file.name, 'sending');
      await line(page, file.name)
        .getByRole('button', { name: `Cancel ${file.name}` })
        .click();
      await reached(page, file.name, 'cancelled');
    });
    assert.equal(await card(page, file.name).count(), 0);
    await line(page, file.name).getByRole('button', { name: /again/ }).click();
    await reached(page, file.name, 'done');
    await card(page, file.name).waitFor();
  },
);

// Keeps the next `count` forms back until the permission in them has expired.
async function holdForms(page, count) {
  let ordered;
  page.on('response', response => {
    if (new URL(response.url()).pathname === '/uploads') ordered = response.json();
  });
  await page.route(
    isForm,
    async route => {
      const expiry = Date.parse((await ordered).expires_at);
      while (Date.now() <= expiry) await pause(expiry - Date.now() + 1);
      await route.continue();
    },
    { times: count },
  );
}

for (const [count, state] of [
  [1, 'done'],
  [3, 'failed'],
]) {
  pageTest(
    `a permission that has expired is asked for anew; ${count} of them make an upload ${state}`,
    { expected: broken, skip: !SHORT_DESK },
    async ({ page, folder }) => {
      await signIn(page, { url: SHORT_DESK });
      const file = await makeFile(folder, unique('.txt'));
      const orders = postsTo(page, url => url.pathname === '/uploads');
      await holdForms(page, count);
      await choose(page, file.path);
      await reached(page, file.name, state);
      assert.equal(orders.length, Math.min(count + 1, 3));
      if (state === 'failed')
        await line(page, file.name).getByText('The permission to upload expired.').waitFor();
    },
  );
}

pageTest(
  'without a network the page says that it tries again, and it goes on by itself',
  { expected: broken },
  async ({ page, context, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.txt'));
    await context.setOffline(true);
    await choose(page, file.path);
    await line(page, file.name).getByText('No answer; trying again…').waitFor();
    await context.setOffline(false);
    await reached(page, file.name, 'done');
    assert.equal(await line(page, file.name).getByText('No answer').count(), 0);
  },
);

pageTest('what the storage says no to is told in words', { expected: broken }, async ({ page }) => {
  await signIn(page);
  const read = text =>
    page.evaluate(async text => (await import('/assets/oss-error.js')).readError(text), text);
  const document =
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n  <Code>AccessDenied</Code>\n  <Message>a &lt;b&gt; &amp; c</Message>\n  <EC>0002</EC>\n</Error>';
  assert.deepEqual(await read(document), { code: 'AccessDenied', message: 'a <b> & c' });
  for (const other of ['', 'no XML', '<html><Code>x</Code></html>', '{"Code":"x"}']) {
    assert.deepEqual(await read(other), { code: '', message: '' }, other);
  }
});

pageTest(
  'a token that is refused in the middle brings the sign-in back, and the queue goes on after it',
  { expected: [/401/, ...broken] },
  async ({ page, folder }) => {
    await signIn(page);
    const [first, second] = [await makeFile(folder, unique('.txt')), await makeFile(folder, unique('.txt'))];
    let refused = 0;
    await page.route(
      url => url.pathname === '/uploads',
      route => {
        refused += 1;
        return route.fulfill({
          status: 401,
          contentType: 'application/json',
          body: '{"error":{"code":"Unauthorized","message":"no"}}',
        });
      },
    );
    await choose(page, first.path, second.path);
    await page.locator('#sign-in[open]').waitFor();
    await page.unrouteAll();
    await page.getByText('your uploads are kept').waitFor();
    await reached(page, first.name, 'waiting');
    await reached(page, second.name, 'waiting');
    assert.ok(refused > 0);
    await page.locator('#token').fill(process.env.DESK_TOKEN);
    await page.keyboard.press('Enter');
    await reached(page, first.name, 'done');
    await reached(page, second.name, 'done');
    assert.equal((await ask(`/objects?limit=10&name=${first.name}`)).body.objects.length, 1);
  },
);

pageTest(
  'where no MD5 can be computed files go up without one',
  { expected: broken },
  async ({ page, folder }) => {
    await page.route('**/md5-worker.js', route => route.abort());
    await signIn(page);
    const file = await makeFile(folder, unique('.txt'));
    const ordered = page.waitForRequest(request => new URL(request.url()).pathname === '/uploads');
    await choose(page, file.path);
    await reached(page, file.name, 'done');
    assert.equal((await ordered).postDataJSON().md5, undefined);
  },
);
