import assert from 'node:assert/strict';
import { DESK, TOKEN, card, choose, enterToken, line, reached, signIn } from '../support/desk.mjs';
import { makeFile, unique } from '../support/files.mjs';
import { pageTest } from '../support/page-test.mjs';
import { withFault } from '../support/twin.mjs';

const broken = [/net::ERR_/, /Failed to load resource/];

pageTest(
  'an upload that a reload interrupted goes on when its file is chosen again',
  { expected: broken },
  async ({ page, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.txt'));
    await withFault({ action: 'hang', count: 1 }, async ({ struck }) => {
      await choose(page, file.path);
      await struck();
      await page.reload();
      await reached(page, file.name, 'interrupted');
    });
    await line(page, file.name).getByText('choose the file again').waitFor();
    const other = await makeFile(`${folder}/other`, file.name, 'another content');
    await choose(page, other.path);
    await page.locator('#entries li[data-state="done"]').waitFor();
    await reached(page, file.name, 'interrupted');
    const chooser = page.waitForEvent('filechooser');
    await line(page, file.name, 'interrupted')
      .getByRole('button', { name: `Choose ${file.name} again` })
      .click();
    await (await chooser).setFiles(file.path);
    await page.getByText('2 of 2 done').waitFor();
    assert.equal(await page.locator('#entries li').count(), 2);
  },
);

pageTest(
  'an upload that arrived during a reload shows as done',
  { expected: broken },
  async ({ page, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.txt'));
    await withFault({ action: { delay_callback: { millis: 120_000 } }, count: 1 }, async ({ struck }) => {
      await choose(page, file.path);
      await struck();
      await page.reload();
      await reached(page, file.name, 'done');
    });
    await card(page, file.name).waitFor();
    assert.equal(await card(page, file.name).count(), 1);
  },
);

pageTest(
  'after an upload is done a reload finds it in the list, and choosing its file again says so',
  {},
  async ({ page, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.txt'));
    await choose(page, file.path);
    await reached(page, file.name, 'done');
    await page.reload();
    await card(page, file.name).waitFor();
    assert.equal(await line(page, file.name).count(), 0);
    await choose(page, file.path);
    await reached(page, file.name, 'duplicate');
  },
);

pageTest(
  'two tabs keep queues of their own, and one takes over what the other leaves',
  { expected: broken },
  async ({ page, context, folder }) => {
    await signIn(page, { remember: true });
    const [first, second] = [await makeFile(folder, unique('.txt')), await makeFile(folder, unique('.txt'))];
    await withFault({ action: 'hang', count: 1 }, async ({ struck }) => {
      await choose(page, first.path);
      await struck();
      const other = await context.newPage();
      await other.goto(DESK);
      await choose(other, second.path);
      await reached(other, second.name, 'done');
      assert.equal(
        await line(other, first.name).count(),
        0,
        'the other tab does not touch what this one sends',
      );
      await reached(page, first.name, 'sending');
      await page.reload();
      await reached(page, first.name, 'interrupted');
      await page.close();
      await other.reload();
      await reached(other, first.name, 'interrupted');
      await choose(other, first.path);
      await reached(other, first.name, 'done');
    });
  },
);

pageTest(
  'the token is never in what is kept of the queue, and only a remembered one outlives the tab',
  { expected: broken },
  async ({ page, context, folder }) => {
    await signIn(page);
    const file = await makeFile(folder, unique('.txt'));
    await withFault({ action: 'hang', count: 1 }, async ({ struck }) => {
      await choose(page, file.path);
      await struck();
      const kept = await page.evaluate(() => Object.entries({ ...localStorage }));
      assert.ok(kept.some(([, value]) => value.includes(file.name)));
      assert.ok(!JSON.stringify(kept).includes(TOKEN));
    });
    const other = await context.newPage();
    await other.goto(DESK);
    await enterToken(other, TOKEN, true);
    const third = await context.newPage();
    await third.goto(DESK);
    await third.locator('#app:not([hidden])').waitFor();
  },
);

pageTest(
  'where the browser has no locks a reload loses nothing either',
  { expected: broken },
  async ({ page, context, folder }) => {
    await context.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
    await signIn(page, { remember: true });
    const file = await makeFile(folder, unique('.txt'));
    await withFault({ action: 'hang', count: 1 }, async ({ struck }) => {
      await choose(page, file.path);
      await struck();
      const other = await context.newPage();
      await other.goto(DESK);
      await other.locator('#app:not([hidden])').waitFor();
      await page.reload();
      await reached(page, file.name, 'interrupted');
      assert.equal(await line(other, file.name).count(), 0);
    });
    await choose(page, file.path);
    await reached(page, file.name, 'done');
  },
);
