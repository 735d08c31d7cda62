// The modules of the page, for tests that run without a browser.

import { readdirSync, readFileSync } from 'node:fs';

export const PAGE = new URL('../../../../crates/upload-desk/src/page/', import.meta.url);

export const load = name => import(new URL(name, PAGE));

export const textOf = name => readFileSync(new URL(name, PAGE), 'utf8');

export const files = () => readdirSync(PAGE).filter(name => name !== 'package.json');
