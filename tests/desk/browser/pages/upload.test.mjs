import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { truncate } from 'node:fs/promises';
import { DESK, ask, card, choose, enterToken, line, reached, signIn } from '../support/desk.mjs';
import { makeFile, makePicture, unique } from '../support/files.mjs';
import { pageTest } from '../support/page-test.mjs';

const md5 = content => createHash('md5').update(content).digest('hex');

pageTest(
  'a wrong token is refused in words, a right one lets in, and signing out ends it',
  { expected: [/401/] },
  async ({ page }) => {
    await page.goto(DESK);
    for (const wrong of ['nobody', 'não é']) {
      await page.locator('#token').fill(wrong);
      await page.keyboard.press('Enter');
      await page.getByText('This token is not valid.').waitFor();
    }
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await enterToken(page, process.env.DESK_TOKEN);
    const { body } = await ask('/me');
    assert.equal(await page.locator('#user').textContent(), body.user);
    await page.reload();
    await page.locator('#app:not([hidden])').waitFor();
    await page.locator('#sign-out').click();
    await page.locator('#sign-in[open]').waitFor();
    assert.equal(await page.locator('#app').isVisible(), false);
    assert.deepEqual(
      await page.evaluate(() =>
        Object.values({ ...sessionStorage, ...localStorage }).filter(value => /token/i.test(value)),
      ),
      [],
    );
  },
);

pageTest(
  'several files go at once, each with its progress, its MD5 and, if a picture, its thumbnail',
  {},
  async ({ page, context, folder }) => {
    await signIn(page);
    const picture = await makePicture(folder, unique('.png'));
    const video = await makeFile(folder, unique('.mp4'));
    const large = await makeFile(folder, unique('.bin'), randomBytes(3 << 20));
    const orders = [];
    page.on(
      'request',
      request =>
        request.method() === 'POST' &&
        request.url() === new URL('/uploads', DESK).href &&
        orders.push(request.postDataJSON()),
    );
    // Slow enough that there is something to see on the way.
    const network = await context.newCDPSession(page);
    await network.send('Network.enable');
    await network.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: 2 << 20,
    });
    await page.evaluate(() => {
      globalThis.seen = [];
      const note = () =>
        seen.push(
          ...[...document.querySelectorAll('#entries li[data-state="sending"] progress')].map(
            ({ value }) => value,
          ),
        );
      new MutationObserver(note).observe(document.querySelector('#entries'), {
        subtree: true,
        attributes: true,
        childList: true,
      });
    });
    await choose(page, picture.path, video.path, large.path);
    for (const { name } of [picture, video, large]) {
      await reached(page, name, 'done');
      await card(page, name).waitFor();
    }
    const between = (await page.evaluate(() => seen)).filter(value => value > 0 && value < 1);
    assert.ok(between.length > 0, 'a share between nothing and all was shown');
    assert.deepEqual(
      orders.map(order => order.md5).sort(),
      [picture, video, large].map(({ content }) => md5(content)).sort(),
    );
    assert.equal(await page.locator('#summary').textContent(), '3 of 3 done');
    const image = card(page, picture.name).locator('img');
    await image.waitFor();
    await image.evaluate(element => element.decode());
    assert.equal(await card(page, large.name).locator('img').count(), 0);
    await page.locator('#clear').click();
    await page.locator('#queue').waitFor({ state: 'hidden' });
  },
);

pageTest('what is already there is not sent again', {}, async ({ page, folder }) => {
  await signIn(page);
  const content = randomBytes(2000);
  const first = await makeFile(folder, unique('.txt'), content);
  const second = await makeFile(folder, unique('-again.txt'), content);
  await choose(page, first.path);
  await reached(page, first.name, 'done');
  const posted = [];
  page.on('request', request => request.method() === 'POST' && posted.push(new URL(request.url()).origin));
  await choose(page, second.path);
  await reached(page, second.name, 'duplicate');
  await line(page, second.name).getByText('Already there').waitFor();
  assert.deepEqual(posted, [new URL(DESK).origin]);
  assert.equal(await card(page, first.name).count(), 1);
  assert.equal(await card(page, second.name).count(), 0);
});

pageTest('a name with markup and dots is text, and only its last part counts', {}, async ({ page }) => {
  await signIn(page);
  const tail = `<img src=x onerror=alert(1)>${unique('.txt')}`;
  page.on('dialog', () => assert.fail('a script of a name ran'));
  // Not by the file dialog: the system would not let such a name be.
  await page.evaluate(name => {
    const data = new DataTransfer();
    data.items.add(new File([name], name, { type: 'text/plain' }));
    dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  }, `../../${tail}`);
  await reached(page, `../../${tail}`, 'done');
  await card(page, tail).waitFor();
  assert.equal(await page.locator('img[src="x"]').count(), 0);
  assert.match(
    await card(page, tail)
      .getByRole('button', { name: /^Delete/ })
      .getAttribute('aria-label'),
    /<img src=x/,
  );
});

pageTest('a file above the limit is refused before anything is sent', {}, async ({ page, folder }) => {
  await signIn(page);
  const { body } = await ask('/me');
  const large = await makeFile(folder, unique('.bin'), '');
  await truncate(large.path, body.max_size + 1);
  const requests = [];
  page.on('request', request => request.method() === 'POST' && requests.push(request.url()));
  await choose(page, large.path);
  await reached(page, large.name, 'failed');
  await line(page, large.name).getByText('Larger than').waitFor();
  assert.deepEqual(requests, []);
  assert.equal(await line(page, large.name).getByRole('button', { name: /again/ }).count(), 0);
});

pageTest('a file without content is a file too', {}, async ({ page, folder }) => {
  await signIn(page);
  const empty = await makeFile(folder, unique('.txt'), '');
  await choose(page, empty.path);
  await page.locator('#entries li[data-state="done"], #entries li[data-state="duplicate"]').waitFor();
});
