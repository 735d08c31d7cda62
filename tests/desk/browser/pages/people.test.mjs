import assert from 'node:assert/strict';
import { DESK, TOKEN, card, choose, enterToken, reached, signIn } from '../support/desk.mjs';
import { makeFile, unique } from '../support/files.mjs';
import { pageTest } from '../support/page-test.mjs';

pageTest(
  'a Chinese browser gets a Chinese page, and a switch is remembered',
  { locale: 'zh-CN' },
  async ({ page, folder }) => {
    await page.goto(DESK);
    await page.getByRole('heading', { name: '登录' }).waitFor();
    await enterToken(page, TOKEN);
    assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
    assert.equal(await page.title(), '上传台');
    const file = await makeFile(folder, unique('.txt'));
    await choose(page, file.path);
    await reached(page, file.name, 'done');
    await page.locator('#entries').getByText('已上传').waitFor();
    await card(page, file.name)
      .getByRole('button', { name: `删除 ${file.name}` })
      .waitFor();
    await page.locator('header [data-language]').click();
    await page.locator('#entries').getByText('Uploaded').waitFor();
    await card(page, file.name)
      .getByRole('button', { name: `Delete ${file.name}` })
      .waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), 'en');
    await page.reload();
    await page.getByRole('button', { name: 'Choose files' }).waitFor();
  },
);

// Presses Tab until the element with the focus matches.
async function tabTo(page, selector) {
  for (let count = 0; count < 200; count += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(selector => document.activeElement.matches(selector), selector)) return;
  }
  assert.fail(`the Tab key does not lead to ${selector}`);
}

pageTest('everything works without a mouse', {}, async ({ page, folder }) => {
  await page.goto(DESK);
  await page.locator('#sign-in[open]').waitFor();
  await page.keyboard.type(TOKEN);
  await page.keyboard.press('Enter');
  await page.locator('#app:not([hidden])').waitFor();
  const file = await makeFile(folder, unique('.txt'));
  await tabTo(page, '#choose-files');
  const choosing = page.waitForEvent('filechooser');
  await page.keyboard.press('Enter');
  await (await choosing).setFiles(file.path);
  await reached(page, file.name, 'done');
  await card(page, file.name).waitFor();
  await tabTo(page, '#search');
  await page.keyboard.type(file.name);
  await page.locator('#cards li:only-child').waitFor();
  await tabTo(page, `[aria-label="Delete ${file.name}"]`);
  await page.keyboard.press('Enter');
  await page.locator('#confirm[open]').waitFor();
  assert.equal(
    await page.evaluate(() => document.activeElement.textContent),
    'Cancel',
    'the harmless answer has the focus',
  );
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await card(page, file.name).waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'objects-title');
});

for (const colorScheme of ['light', 'dark']) {
  pageTest(
    `a narrow screen shows everything without scrolling sideways, ${colorScheme}`,
    { viewport: { width: 320, height: 640 }, colorScheme },
    async ({ page, folder }) => {
      await signIn(page);
      const file = await makeFile(folder, unique(`-${'long-'.repeat(20)}name.txt`));
      await choose(page, file.path);
      await reached(page, file.name, 'done');
      await card(page, file.name).waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
    },
  );
}

// WCAG 2: 4.5 to 1 for text.
pageTest('text stands out from what is behind it, in the light and in the dark', {}, async ({ page }) => {
  await signIn(page);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    const ratios = await page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const luminance = name => {
        const hex = style
          .getPropertyValue(name)
          .trim()
          .replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3');
        const [r, g, b] = [1, 3, 5]
          .map(at => parseInt(hex.slice(at, at + 2), 16) / 255)
          .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const pairs = [
        ['--text', '--page'],
        ['--text', '--card'],
        ['--text', '--sunken'],
        ['--faint', '--page'],
        ['--faint', '--card'],
        ['--faint', '--sunken'],
        ['--on-accent', '--accent'],
        ['--good', '--card'],
        ['--good', '--good-back'],
        ['--warn', '--card'],
        ['--warn', '--warn-back'],
        ['--bad', '--card'],
        ['--page', '--text'],
      ];
      return pairs.map(([front, back]) => {
        const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
        return [`${front} on ${back}`, (high + 0.05) / (low + 0.05)];
      });
    });
    assert.deepEqual(
      ratios.filter(([, ratio]) => !(ratio >= 4.5)),
      [],
      colorScheme,
    );
  }
});
