// Writes docs/desk.png, or the file that is named: the desk with a handful of uploads. Beside it desk-375.png and
// desk-320.png: the same on phones, with an upload in parts and with one that failed. It belongs to the user of
// DESK_ADMIN_TOKEN, whose objects it deletes, on a desk with parts of 100 KiB.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, card, choose, launch, reached, signIn } from './support/desk.mjs';
import { makeFile } from './support/files.mjs';
import { withFault } from './support/twin.mjs';
import { pictures, still } from './support/pictures.mjs';

const TARGET = process.argv[2] ?? fileURLToPath(new URL('../../../docs/desk.png', import.meta.url));
const token = process.env.DESK_ADMIN_TOKEN;

const PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj
trailer<</Root 1 0 R>>
`;
const MP4 = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypisom'), Buffer.alloc(2 << 20, 1)]);

async function clear() {
  for (;;) {
    const { body } = await ask('/objects?limit=100', { token });
    if (body.objects.length === 0) return;
    for (const { id } of body.objects) await ask(`/objects/${id}`, { method: 'DELETE', token });
  }
}

// In a font without Chinese every letter is the same box.
const hasChinese = page =>
  page.evaluate(() => {
    const drawn = letter => {
      const canvas = document.createElement('canvas');
      canvas.getContext('2d').fillText(letter, 10, 20);
      return canvas.toDataURL();
    };
    return drawn('中') !== drawn('文');
  });

const folder = await mkdtemp(join(tmpdir(), 'desk-'));
const browser = await launch();
try {
  await clear();
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    colorScheme: 'light',
  });
  await signIn(page, { token });
  // The twin has one grey picture for all videos.
  await page.route(/x-oss-process=video/, route =>
    route.fulfill({ contentType: 'image/png', body: still() }),
  );
  if (!(await hasChinese(page)))
    await page.locator('header [data-language]').evaluate(button => (button.hidden = true));
  for (const [name, content] of [
    ['Product tour.mp4', MP4],
    ['Price list.pdf', PDF],
    ...pictures().reverse(),
  ]) {
    const { path } = await makeFile(folder, name, content);
    await choose(page, path);
    await reached(page, name, 'done');
    await card(page, name).waitFor();
  }
  for (const image of await page.locator('#cards img').all())
    await image.evaluate(element => element.decode());
  await page.locator('#status').waitFor({ state: 'hidden' });
  await page.locator('h1').click();
  await page.screenshot({ path: TARGET });

  const phone = async width => {
    await page.locator('#status').waitFor({ state: 'hidden' });
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: TARGET.replace(/\.png$/, `-${width}.png`) });
  };
  await page.locator('#clear').click();
  await page.setViewportSize({ width: 375, height: 720 });
  const film = await makeFile(folder, 'Concert.mp4', Buffer.alloc(40 * 102_400, 7));
  await withFault({ method: 'PUT', path: 'partNumber=2', action: 'hold' }, async ({ struck }) => {
    await choose(page, film.path);
    await struck();
    await reached(page, film.name, 'sending');
    await phone(375);
  });
  await reached(page, film.name, 'done');
  await page.setViewportSize({ width: 320, height: 640 });
  const refused = await makeFile(folder, 'Contract.pdf', PDF + PDF);
  const denied = '<Error><Code>AccessDenied</Code><Message>no</Message></Error>';
  await withFault({ action: { respond: { status: 403, headers: [], body: denied } } }, async () => {
    await choose(page, refused.path);
    await reached(page, refused.name, 'failed');
    await phone(320);
  });
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}
