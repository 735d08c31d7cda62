// Sizes, times and dates in the user's language.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** In steps of 1024, as file managers and the console of OSS count. */
export function formatBytes(bytes, locale) {
  let unit = 0;
  let value = bytes;
  // 1023.6 KiB would be shown as 1,024 KiB.
  while (Math.round(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const maximumFractionDigits = unit > 0 && value < 100 ? 1 : 0;
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits }).format(value)} ${UNITS[unit]}`;
}

/** Seconds to the next full second, minutes from a minute on, hours from an hour on. */
export function formatDuration(seconds, locale) {
  const [value, unit] =
    seconds < 60
      ? [Math.ceil(seconds), 'second']
      : seconds < 3600
        ? [Math.ceil(seconds / 60), 'minute']
        : [seconds / 3600, 'hour'];
  const options = { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale, options).format(value);
}

export const formatDay = (iso, locale) =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(new Date(iso));

export const formatTime = (iso, locale) =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
