import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { DESK, TOKEN_2, ask, card, choose, line, reached, signIn } from '../support/desk.mjs';
import { makeFile, makePicture, unique } from '../support/files.mjs';
import { pageTest } from '../support/page-test.mjs';

async function uploaded(page, folder, name = unique('.txt')) {
  const file = await makeFile(folder, name);
  await choose(page, file.path);
  await reached(page, file.name, 'done');
  await card(page, file.name).waitFor();
  return file;
}

// By the browser: the names of buckets lead nowhere but there.
const bytesAt = (page, link) =>
  page
    .evaluate(async link => [...new Uint8Array(await (await fetch(link)).arrayBuffer())], link)
    .then(bytes => Buffer.from(bytes));

pageTest(
  'a copied link and the download give the bytes that were sent',
  { permissions: ['clipboard-read', 'clipboard-write'] },
  async ({ page, folder }) => {
    await signIn(page);
    const file = await uploaded(page, folder);
    await card(page, file.name)
      .getByRole('button', { name: `Copy the link to ${file.name}` })
      .click();
    await page.getByText('Link copied.').waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    assert.deepEqual(await bytesAt(page, link), file.content);
    const downloading = page.waitForEvent('download');
    await card(page, file.name)
      .getByRole('link', { name: `Download ${file.name}` })
      .click();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), file.name);
    assert.deepEqual(await readFile(await download.path()), file.content);
  },
);

pageTest('a link is copied without the clipboard of secure pages too', {}, async ({ page, folder }) => {
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await signIn(page);
  const file = await uploaded(page, folder);
  await card(page, file.name).getByRole('button', { name: /^Copy/ }).click();
  await page.getByText('Link copied.').waitFor();
  await page.locator('#search').focus();
  await page.keyboard.press('Control+V');
  assert.match(await page.locator('#search').inputValue(), /^https?:\/\/.*ignature=/);
});

pageTest('a link that cannot be copied is shown', {}, async ({ page, folder }) => {
  await page.addInitScript(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
    document.execCommand = () => false;
  });
  await signIn(page);
  const file = await uploaded(page, folder);
  await card(page, file.name).getByRole('button', { name: /^Copy/ }).click();
  await page.locator('#manual-copy[open]').waitFor();
  assert.deepEqual(await bytesAt(page, await page.locator('#manual-link').inputValue()), file.content);
  await page.getByRole('button', { name: 'Close' }).click();
  await page.locator('#manual-copy').waitFor({ state: 'hidden' });
});

pageTest('links that have expired are asked for anew when they are used', {}, async ({ page, folder }) => {
  await signIn(page);
  const file = await uploaded(page, folder);
  const { body } = await ask(`/objects?limit=1&name=${file.name}`);
  const [{ id, links_expire_at: expiry }] = body.objects;
  const left = Date.parse(expiry) - Date.now();
  await page.evaluate(left => {
    const now = Date.now;
    Date.now = () => now() + left;
  }, left);
  const asked = page.waitForRequest(
    request => request.method() === 'GET' && new URL(request.url()).pathname === `/objects/${id}`,
  );
  const downloading = page.waitForEvent('download');
  await card(page, file.name)
    .getByRole('link', { name: `Download ${file.name}` })
    .click();
  await asked;
  assert.deepEqual(await readFile(await (await downloading).path()), file.content);
});

pageTest(
  'a picture opens beside the desk, in place',
  { expected: [/favicon/] },
  async ({ page, context, folder }) => {
    await signIn(page);
    const picture = await makePicture(folder, unique('.png'));
    await choose(page, picture.path);
    await card(page, picture.name).waitFor();
    const opening = context.waitForEvent('page');
    await card(page, picture.name)
      .getByRole('link', { name: `Open ${picture.name}` })
      .click();
    const opened = await opening;
    await opened.locator('img').waitFor();
    assert.equal(await opened.evaluate(() => globalThis.opener), null);
  },
);

pageTest('a deletion is asked about first, and then the object is gone', {}, async ({ page, folder }) => {
  await signIn(page);
  const file = await uploaded(page, folder);
  const remove = card(page, file.name).getByRole('button', { name: `Delete ${file.name}` });
  await remove.click();
  await page.locator('#confirm[open]').waitFor();
  assert.match(await page.locator('#confirm-text').textContent(), new RegExp(file.name));
  await page.keyboard.press('Escape');
  await page.locator('#confirm').waitFor({ state: 'hidden' });
  assert.equal(await card(page, file.name).count(), 1);
  await remove.click();
  await page.locator('#confirm').getByRole('button', { name: 'Delete' }).click();
  await card(page, file.name).waitFor({ state: 'detached' });
  assert.equal((await ask(`/objects?limit=10&name=${file.name}`)).body.objects.length, 0);
});

pageTest(
  'a search shows what has the text in its name, and says if nothing has',
  {},
  async ({ page, folder }) => {
    await signIn(page);
    const [one, two] = [await uploaded(page, folder), await uploaded(page, folder)];
    await page.locator('#search').fill(one.name.toUpperCase().slice(0, 13));
    await card(page, two.name).waitFor({ state: 'detached' });
    await card(page, one.name).waitFor();
    await page.locator('#search').fill('no such name<b>');
    await page.getByText('No file has “no such name<b>” in its name.').waitFor();
    await page.locator('#search').fill('');
    await card(page, two.name).waitFor();
  },
);

pageTest('a long list comes page by page, each object once', {}, async ({ page, folder }) => {
  await signIn(page);
  const prefix = unique('');
  const files = [];
  for (let i = 0; i < 90; i += 1) files.push(await makeFile(folder, `${prefix}-${i}.txt`));
  await choose(page, ...files.map(({ path }) => path));
  await page.getByText('90 of 90 done').waitFor();
  await page.reload();
  await page.locator('#search').fill(prefix);
  await page.locator('#cards li').filter({ hasNotText: prefix }).first().waitFor({ state: 'detached' });
  await page.locator('#cards li').nth(39).waitFor();
  while (await page.locator('#more').isVisible()) await page.mouse.wheel(0, 5000);
  const names = await page.locator('#cards .name').allTextContents();
  assert.deepEqual(names.toSorted(), files.map(({ name }) => name).toSorted());
});

pageTest('what is on its way is shown as forwarded as soon as it is', {}, async ({ page, folder }) => {
  let forwarded = false;
  await page.route(
    url => url.origin === new URL(DESK).origin && /^\/(objects|uploads)/.test(url.pathname),
    async route => {
      const response = await route.fetch();
      const text = await response.text();
      await route.fulfill({
        response,
        body: text.replace(/"forwarded":\s*(true|false)/g, `"forwarded":${forwarded}`),
      });
    },
  );
  await signIn(page);
  const file = await uploaded(page, folder);
  await card(page, file.name).getByText('On its way').waitFor();
  // A look that finds nothing new is not the last.
  await page.waitForResponse(response => new URL(response.url()).pathname === '/objects');
  forwarded = true;
  await card(page, file.name).getByText('Forwarded').waitFor();
});

pageTest('nobody sees what somebody else has', { expected: [/404/] }, async ({ page, context, folder }) => {
  await signIn(page);
  const file = await uploaded(page, folder);
  const { body } = await ask(`/objects?limit=1&name=${file.name}`);
  const [{ id }] = body.objects;
  for (const path of [`/objects/${id}`, `/uploads/${id}`])
    assert.equal((await ask(path, { token: TOKEN_2 })).status, 404);
  const second = await (await context.browser().newContext()).newPage();
  try {
    await signIn(second, { token: TOKEN_2 });
    await second.locator('#search').fill(file.name);
    await second.getByText('No file has').waitFor();
    assert.equal(await card(second, file.name).count(), 0);
    // The same content is no duplicate of what one cannot see.
    await choose(second, file.path);
    await reached(second, file.name, 'done');
  } finally {
    await second.context().close();
  }
});

pageTest(
  'a file is fetched from its address, goes on over a reload, and failure is told',
  {},
  async ({ page }) => {
    const name = unique('.txt');
    const content = `content of ${name}`;
    const held = [];
    const server = createServer((request, response) => {
      if (request.url.includes('missing')) return response.writeHead(404).end();
      held.push(() =>
        response
          .writeHead(200, { 'content-type': 'text/plain', 'content-length': content.length })
          .end(content),
      );
      server.emit('held');
    });
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${server.address().port}`;
    try {
      await signIn(page);
      const field = page.locator('#url');
      await field.fill('ftp://example.com/a');
      await page.keyboard.press('Enter');
      await page.getByText('Enter an address that begins with').waitFor();
      await field.fill(`${origin}/${name}`);
      const asked = new Promise(resolve => server.once('held', resolve));
      await page.keyboard.press('Enter');
      await reached(page, name, 'fetching');
      await asked;
      await page.reload();
      await reached(page, name, 'fetching');
      server.on('held', () => held.pop()());
      for (const answer of held.splice(0)) answer();
      await reached(page, name, 'done');
      await card(page, name).waitFor();
      await field.fill(`${origin}/missing-${name}`);
      await page.keyboard.press('Enter');
      await reached(page, `missing-${name}`, 'failed');
      assert.match(
        await line(page, `missing-${name}`).locator('.state').textContent(),
        /^It could not be fetched: .+/,
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
);
