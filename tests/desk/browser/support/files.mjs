// Files to upload, different in every run: the desk knows what it has seen before.

import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { png } from './png.mjs';

export const unique = suffix => `${randomUUID().slice(0, 13)}${suffix}`;

/** Writes `content` (or a kilobyte of noise) and gives {name, path, content}. */
export async function makeFile(folder, name, content = randomBytes(1024)) {
  const path = join(folder, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  return { name: name.split('/').at(-1), path, content: Buffer.from(content) };
}

/** A small picture of one colour, chosen by chance. */
export function makePicture(folder, name) {
  const colour = [...randomBytes(3)];
  return makeFile(
    folder,
    name,
    png(48, 32, () => colour),
  );
}
