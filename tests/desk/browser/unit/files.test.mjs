import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { files, textOf } from '../support/modules.mjs';

test('the whole page is less than 60 KB on its way', () => {
  const bytes = files().map(name => gzipSync(textOf(name)).length);
  assert.ok(bytes.reduce((sum, length) => sum + length, 0) < 60_000);
});

test('whatever is named is there, and nothing is there that is not named', () => {
  const named = new Set(['index.html', 'md5-worker.js']);
  for (const [, name] of textOf('index.html').matchAll(/"assets\/([^"]+)"/g)) named.add(name);
  for (const name of files().filter(name => name.endsWith('.js'))) {
    for (const [, imported] of textOf(name).matchAll(/from '\.\/([^']+)'/g)) named.add(imported);
  }
  assert.deepEqual([...named].sort(), files().sort());
});

test('no markup is made of texts, no script or style is inline, and nothing comes from elsewhere', () => {
  for (const name of files()) {
    const text = textOf(name);
    assert.doesNotMatch(
      text,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
      name,
    );
    assert.doesNotMatch(
      text.replaceAll('http://www.w3.org/2000/svg', ''),
      /(src|href|url|from|import)\W{1,3}(https?:)?\/\/\w/,
      name,
    );
  }
  assert.doesNotMatch(textOf('index.html'), /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
});
