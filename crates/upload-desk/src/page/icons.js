// Pictures, as paths of strokes in a square of 24.

export const PATHS = {
  archive: 'M4 8v12h16V8M3 4h18v4H3zM10 12h4',
  audio: 'M9 18V5l11-2v13M9 18a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM20 16a3 3 0 1 1-6 0 3 3 0 0 1 6 0z',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 6 6l1-1',
  delete: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5',
  document: 'M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6',
  download: 'M12 4v11M7 10l5 5 5-5M4 20h16',
  file: 'M6 3h8l4 4v14H6zM14 3v4h4',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01',
  open: 'M14 4h6v6M20 4l-9 9M18 13v7H4V6h7',
  pause: 'M8 5v14M16 5v14',
  play: 'M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zM10 8.5l6 3.5-6 3.5z',
  resume: 'M8 5l11 7-11 7z',
  retry: 'M20 11a8 8 0 1 0-2 6M20 4v7h-7',
  video: 'M3 6h12v12H3zM15 10l6-3v10l-6-3',
};

const DOCUMENTS = /^text\/|pdf|msword|officedocument|opendocument|rtf/;
const ARCHIVES = /zip|tar|compressed|rar/;

/** The picture of a media type. */
export function iconOf(type = '') {
  const [main] = type.split('/');
  if (['image', 'video', 'audio'].includes(main)) return main;
  if (ARCHIVES.test(type)) return 'archive';
  return DOCUMENTS.test(type) ? 'document' : 'file';
}
