// Days by the node's clock, which have 23 or 25 hours when it changes. Pure.

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * What a clock in `zone` shows at a time, as if it were in UTC.
 * @param {number} timeMs since 1970
 * @param {string} zone
 * @returns {number} milliseconds
 */
function wallMs(timeMs, zone) {
  let format = formats.get(zone);
  if (!format) {
    /** @type {Intl.DateTimeFormatOptions} */
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", ...clock });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(new Date(timeMs)).map(({ type, value }) => [type, value]));
  const wall = Date.parse(`${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}:${parts.second}Z`);
  return wall + (((timeMs % 1000) + 1000) % 1000);
}

/**
 * The day of a time, such as 2026-05-01.
 * @param {number} timeMs
 * @param {string} zone
 */
export function dayOf(timeMs, zone) {
  return new Date(wallMs(timeMs, zone)).toISOString().slice(0, 10);
}

/**
 * When the clock shows a time such as 2026-05-01T06:30:00, in milliseconds since 1970.
 * @param {string} wall
 * @param {string} zone
 */
export function timeOfWall(wall, zone) {
  const wanted = Date.parse(`${wall}Z`);
  const guess = wanted - (wallMs(wanted, zone) - wanted);
  return guess - (wallMs(guess, zone) - wanted); // the offset may be another one at the guess
}

/**
 * When a day begins, in milliseconds since 1970.
 * @param {string} day
 * @param {string} zone
 */
export function dayStart(day, zone) {
  return timeOfWall(`${day}T00:00:00`, zone);
}

/**
 * The day some days later, or earlier if `by` is negative.
 * @param {string} day
 * @param {number} by
 */
export function dayAfter(day, by) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + by * 86_400_000).toISOString().slice(0, 10);
}

/**
 * How many days lie between two.
 * @param {string} from
 * @param {string} to
 */
export function daysBetween(from, to) {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000);
}

/**
 * A day in words.
 * @param {string} day
 * @param {Intl.DateTimeFormatOptions} [form]
 */
export function dayTitle(day, form = { weekday: "short", day: "numeric", month: "short", year: "numeric" }) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...form }).format(new Date(`${day}T00:00:00Z`));
}
