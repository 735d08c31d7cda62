// Files that come by button, drop or paste.

import { byId } from './dom.js';

const holdsFiles = ({ dataTransfer }) => dataTransfer?.types.includes('Files');

function children(reader) {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

async function* filesIn(entry) {
  if (entry.isFile) {
    yield await new Promise((resolve, reject) => entry.file(resolve, reject));
    return;
  }
  const reader = entry.createReader();
  // A reader gives a hundred or so at a time, and none at the end.
  for (let some = await children(reader); some.length > 0; some = await children(reader)) {
    for (const child of some) yield* filesIn(child);
  }
}

/**
 * All files of a drop, those in folders too. What must be asked of `dataTransfer` is asked before the first
 * await.
 */
export async function* droppedFiles(dataTransfer) {
  const items = [...dataTransfer.items].filter(({ kind }) => kind === 'file');
  const dropped = items.map(item => item.webkitGetAsEntry?.() ?? item.getAsFile());
  for (const one of dropped) {
    if (one instanceof File) yield one;
    else if (one) yield* filesIn(one);
  }
}

function acceptButtons(take) {
  for (const [button, input] of [
    ['choose-files', 'files'],
    ['choose-folder', 'folder'],
  ]) {
    const field = byId(input);
    byId(button).onclick = () => field.click();
    field.onchange = () => {
      take([...field.files]);
      // The same file may be chosen again.
      field.value = '';
    };
  }
}

function acceptDrops(take, onUnreadable) {
  const target = byId('drop-here');
  addEventListener('dragenter', event => {
    if (holdsFiles(event)) target.hidden = false;
  });
  addEventListener('dragover', event => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = 'copy';
  });
  addEventListener('dragleave', event => {
    if (event.relatedTarget === null) target.hidden = true;
  });
  addEventListener('drop', async event => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    target.hidden = true;
    try {
      for await (const file of droppedFiles(event.dataTransfer)) take([file]);
    } catch (error) {
      onUnreadable(error);
    }
  });
}

/**
 * Calls `take(files)` for all that the user gives while `open()`, `onUnreadable(error)` for a folder that
 * cannot be read.
 */
export function acceptFiles({ take, open, onUnreadable }) {
  const takeIfOpen = files => open() && take(files);
  acceptButtons(takeIfOpen);
  acceptDrops(takeIfOpen, onUnreadable);
  addEventListener('paste', ({ clipboardData }) => {
    if (clipboardData?.files.length > 0) takeIfOpen([...clipboardData.files]);
  });
}
