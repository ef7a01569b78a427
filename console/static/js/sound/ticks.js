// Where the marks of a scale are, and how times, frequencies and levels are written. Pure.

const TIME_STEPS_S = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
  10800, 21600,
];

/**
 * Multiples of a round step between two values, at most `most` of them.
 * @param {number} low
 * @param {number} high
 * @param {number} most
 * @returns {number[]}
 */
export function roundTicks(low, high, most) {
  const raw = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? 10 * power;
  return multiples(low, high, step);
}

/**
 * Times between two, at most `most` of them, at round seconds of the clock: `offsetS` is that of the beginning.
 * @param {number} startS
 * @param {number} endS
 * @param {number} most
 * @param {number} offsetS
 * @returns {{ times: number[], stepS: number }}
 */
export function timeTicks(startS, endS, most, offsetS) {
  const raw = (endS - startS) / Math.max(1, most);
  const stepS = TIME_STEPS_S.find((size) => size >= raw) ?? 86400;
  const times = multiples(startS + offsetS, endS + offsetS, stepS).map((time) => time - offsetS);
  return { times, stepS };
}

/**
 * How wide a label of a time is at most, in pixels: digits of a common font at 12 px.
 * @param {string} text
 */
export function labelWidthPx(text) {
  return text.length * 7.7;
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} step
 * @returns {number[]}
 */
function multiples(low, high, step) {
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step);
}

/**
 * How many digits after the point tell multiples of a step apart.
 * @param {number} step
 */
export function digitsOf(step) {
  return Math.max(0, Math.min(4, -Math.floor(Math.log10(step) + 1e-9)));
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * The time of day in a zone.
 * @param {number} timeMs since 1970
 * @param {string} zone
 * @param {number} digits of the fraction of a second; -1 leaves the seconds out
 */
export function clock(timeMs, zone, digits) {
  const key = `${zone} ${digits < 0}`;
  let format = formats.get(key);
  if (!format) {
    /** @type {Intl.DateTimeFormatOptions} */
    const options = { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    format = new Intl.DateTimeFormat("en-GB", digits < 0 ? options : { ...options, second: "2-digit" });
    formats.set(key, format);
  }
  const unit = 10 ** Math.max(0, digits);
  const rounded = Math.round((timeMs / 1000) * unit); // so that 59.96 s is not written as 59.10
  const text = format.format(new Date((rounded / unit) * 1000 + 0.01));
  return digits > 0 ? `${text}.${String(((rounded % unit) + unit) % unit).padStart(digits, "0")}` : text;
}

/**
 * A date and time in UTC.
 * @param {number} timeMs since 1970
 */
export function utc(timeMs) {
  return `${new Date(timeMs).toISOString().replace("T", " ").slice(0, -1)} UTC`;
}

/**
 * A time in a sound: of the clock if it is known when it begins, else seconds.
 * @param {number} timeS
 * @param {{ startMs: number | null, zone: string }} when
 * @param {number} digits
 */
export function timeText(timeS, { startMs, zone }, digits) {
  return startMs === null ? `${timeS.toFixed(Math.max(0, digits))} s` : clock(startMs + timeS * 1000, zone, digits);
}

/**
 * A length of time.
 * @param {number} lengthS
 */
export function lengthText(lengthS) {
  return lengthS < 100 ? `${Math.round(lengthS)} s` : `${Math.round(lengthS / 60)} min`;
}

/**
 * A frequency.
 * @param {number} hz
 */
export function hzText(hz) {
  return hz < 1000 ? `${Math.round(hz)} Hz` : `${(hz / 1000).toFixed(2)} kHz`;
}

/**
 * A band of frequencies.
 * @param {number} lowHz
 * @param {number} highHz
 */
export function hzRange(lowHz, highHz) {
  return `${(lowHz / 1000).toFixed(2)}\u2013${(highHz / 1000).toFixed(2)} kHz`;
}

/**
 * A gain or level in dB.
 * @param {number} db
 */
export function dbText(db) {
  return `${db > 0 ? "+" : db < 0 ? "\u2212" : ""}${Math.abs(Math.round(db))} dB`;
}

/**
 * A date in a zone, and the name of the zone.
 * @param {number} timeMs since 1970
 * @param {string} zone
 */
export function date(timeMs, zone) {
  const day = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(new Date(timeMs));
  return `${day} ${zone}`;
}
