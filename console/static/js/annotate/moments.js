// Where a day is loud: its segments in columns of a chart, and the next one above a level. Pure.

/** @typedef {{ start: string, max_amp: number }} Segment */
/** @typedef {{ amp: number, centerMs: number }} Column the loudest segment in it */

export const FLOOR_DB = -60;
const LOUD_SHARE = 0.9;

/**
 * The level of a largest absolute sample, 1.0 for full scale, in dBFS.
 * @param {number} amp
 */
export function dbOf(amp) {
  return amp > 0 ? Math.max(FLOOR_DB, 20 * Math.log10(amp)) : FLOOR_DB;
}

/**
 * The loudest segment of each of `count` columns of a day; null where nothing was recorded.
 * @param {readonly Segment[]} segments
 * @param {number} segmentMs
 * @param {{ startMs: number, durationMs: number }} day
 * @param {number} count
 * @returns {(Column | null)[]}
 */
export function columnsOf(segments, segmentMs, { startMs, durationMs }, count) {
  /** @type {(Column | null)[]} */
  const columns = Array.from({ length: count }, () => null);
  for (const { start, max_amp: amp } of segments) {
    const centerMs = Date.parse(start) + segmentMs / 2;
    const place = Math.floor(((centerMs - startMs) / durationMs) * count);
    const present = columns[place];
    if (place >= 0 && place < count && (!present || amp > present.amp)) columns[place] = { amp, centerMs };
  }
  return columns;
}

/**
 * The middle of the next segment that reaches a level, or of the one before; null if there is none.
 * @param {readonly Segment[]} segments in the order of time
 * @param {number} segmentMs
 * @param {number} levelDb
 * @param {{ atMs: number, awayMs: number, by: 1 | -1 }} from where, the least distance, and the direction
 * @returns {number | null}
 */
export function nextAbove(segments, segmentMs, levelDb, { atMs, awayMs, by }) {
  const centers = segments
    .filter(({ max_amp: amp }) => dbOf(amp) >= levelDb)
    .map(({ start }) => Date.parse(start) + segmentMs / 2);
  const found = by > 0 ? centers.find((ms) => ms >= atMs + awayMs) : centers.findLast((ms) => ms <= atMs - awayMs);
  return found ?? null;
}

/**
 * A level that a tenth of the segments reach, in whole dB.
 * @param {readonly Segment[]} segments
 */
export function suggestedDb(segments) {
  const levels = segments.map(({ max_amp: amp }) => dbOf(amp)).sort((a, b) => a - b);
  return levels.length ? Math.floor(levels[Math.floor(levels.length * LOUD_SHARE)] ?? levels[levels.length - 1]) : -30;
}
