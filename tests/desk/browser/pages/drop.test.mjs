import assert from 'node:assert/strict';
import { card, line, reached, signIn } from '../support/desk.mjs';
import { makeFile, unique } from '../support/files.mjs';
import { pageTest } from '../support/page-test.mjs';

// A drag as the system makes it: a synthetic event cannot hold a folder.
async function drag(context, page, paths, ...types) {
  const session = await context.newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of types) await session.send('Input.dispatchDragEvent', { type, x: 900, y: 700, data });
}

pageTest('files that are dropped anywhere on the window go up', {}, async ({ page, context, folder }) => {
  await signIn(page);
  const files = [await makeFile(folder, unique('.txt')), await makeFile(folder, unique('.txt'))];
  const paths = files.map(({ path }) => path);
  await drag(context, page, paths, 'dragEnter', 'dragOver');
  await page.locator('#drop-here').waitFor();
  await drag(context, page, paths, 'drop');
  await page.locator('#drop-here').waitFor({ state: 'hidden' });
  for (const { name } of files) {
    await reached(page, name, 'done');
    await card(page, name).waitFor();
  }
});

pageTest(
  'a folder is dropped with all that is in it, however deep and however much',
  {},
  async ({ page, context, folder }) => {
    await signIn(page);
    const prefix = unique('');
    const names = Array.from({ length: 120 }, (_, i) => `top/${prefix}-${i}.txt`);
    for (const name of [...names, `top/a/b/${prefix}-deep.txt`]) await makeFile(folder, name, name + prefix);
    await drag(context, page, [`${folder}/top`], 'dragEnter', 'dragOver', 'drop');
    await reached(page, `${prefix}-deep.txt`, 'done');
    await page.getByText('121 of 121 done').waitFor();
  },
);

pageTest('what is pasted goes up, and text that is pasted does not', {}, async ({ page }) => {
  await signIn(page);
  const name = unique('.txt');
  const paste = (files, text) =>
    page.evaluate(
      ([files, text]) => {
        const clipboardData = new DataTransfer();
        for (const file of files) clipboardData.items.add(new File([file], file));
        if (text) clipboardData.setData('text/plain', text);
        dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
      },
      [files, text],
    );
  await paste([], 'only text');
  await paste([name]);
  await reached(page, name, 'done');
  assert.equal(await page.locator('#entries li').count(), 1);
});

pageTest('nothing is taken while a question is open', {}, async ({ page, context, folder }) => {
  await signIn(page);
  const file = await makeFile(folder, unique('.txt'));
  await drag(context, page, [file.path], 'dragEnter', 'dragOver', 'drop');
  await reached(page, file.name, 'done');
  await card(page, file.name)
    .getByRole('button', { name: /^Delete/ })
    .click();
  const other = await makeFile(folder, unique('.txt'));
  await drag(context, page, [other.path], 'dragEnter', 'dragOver', 'drop');
  await page.locator('#confirm').getByRole('button', { name: 'Cancel' }).click();
  assert.equal(await line(page, other.name).count(), 0);
});
