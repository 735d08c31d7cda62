import assert from 'node:assert/strict';
import { test } from 'node:test';
import { files, load, textOf } from '../support/modules.mjs';

const { strings } = await load('strings.js');
const { choose, fill } = await load('i18n.js');
const { Failure } = await load('failure.js');

const placeholders = text => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test('both languages have the same texts with the same things to fill in', () => {
  assert.deepEqual(Object.keys(strings.zh), Object.keys(strings.en));
  for (const [key, text] of Object.entries(strings.en)) {
    assert.deepEqual(placeholders(strings.zh[key]), placeholders(text), key);
    assert.ok(text.trim() && strings.zh[key].trim(), key);
  }
});

// `state.sending` or `state.${state}`: a text that is put together names the group it comes from.
test('every text that the page asks for exists, and every text is asked for', () => {
  const asked = new Set();
  const groups = new Set();
  for (const name of files().filter(name => name !== 'strings.js')) {
    const source = textOf(name);
    for (const [, key] of source.matchAll(/data-t(?:-label)?="([^"]+)"/g)) asked.add(key);
    for (const [, call] of source.matchAll(/\bt\(([^;]*)/g)) {
      for (const [, key] of call.matchAll(/'([a-zA-Z]+(?:\.[a-zA-Z]+)*)'/g))
        if (Object.hasOwn(strings.en, key)) asked.add(key);
    }
    for (const [, key] of source.matchAll(/\bt\('([^']+)'/g))
      assert.ok(Object.hasOwn(strings.en, key), `${name}: ${key}`);
    for (const [, group] of source.matchAll(/\bt\(`(\w+\.)\$\{/g)) groups.add(group);
  }
  for (const key of asked) assert.ok(Object.hasOwn(strings.en, key), key);
  const unused = Object.keys(strings.en).filter(
    key => !asked.has(key) && ![...groups].some(group => key.startsWith(group)),
  );
  assert.deepEqual(unused, []);
});

test('every reason of a failure and every state has a text', () => {
  const reasons = new Set();
  for (const name of files().filter(name => name.endsWith('.js'))) {
    for (const [, reason] of textOf(name).matchAll(/new Failure\('(\w+)'/g)) reasons.add(reason);
  }
  for (const name of ['verdict.js', 'patiently.js', 'settle.js']) {
    const tables = [...textOf(name).matchAll(/const (?:REASONS|statusFailures|ENDS) = \{([^}]*)\}/g)];
    assert.ok(tables.length > 0, name);
    for (const [, table] of tables)
      for (const [, reason] of table.matchAll(/: '(\w+)'/g)) reasons.add(reason);
  }
  assert.ok(reasons.size > 12);
  for (const reason of reasons) assert.ok(strings.en[`why.${reason}`], reason);
  for (const state of textOf('entry.js').match(
    /'(hashing|asking|comparing|paused|sending|settling|checking|fetching|done|duplicate|failed|cancelled)'/g,
  )) {
    assert.ok(strings.en[`state.${state.slice(1, -1)}`], state);
  }
  assert.equal(new Failure('expired').reason, 'expired');
});

test('the language is the remembered one, else the first preferred one there is, else English', () => {
  assert.equal(choose('zh', ['en-US']), 'zh');
  assert.equal(choose(null, ['fr-FR', 'zh-Hans-CN', 'en']), 'zh');
  assert.equal(choose('fr', ['de', 'en-GB', 'zh']), 'en');
  assert.equal(choose('constructor', ['toString']), 'en');
  assert.equal(choose(null, []), 'en');
});

test('what is filled in is taken literally', () => {
  assert.equal(fill('“{name}” {name}', { name: '$& {x} <b>' }), '“$& {x} <b>” $& {x} <b>');
  assert.equal(fill('No. {message}', {}), 'No.');
});
