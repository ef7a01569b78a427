// What part of a sound is shown: a period and a band of frequencies. Pure.

/**
 * @typedef {object} View
 * @property {number} startS
 * @property {number} endS
 * @property {number} lowHz
 * @property {number} highHz
 */

/** @typedef {{ durationS: number, maxHz: number }} Extent The whole sound. */

const SHORTEST_S = 0.01;
const WIDEST_PX = 2e7; // elements of a browser cannot be much wider
const NARROWEST_HZ = 100;

/**
 * The whole of a sound.
 * @param {Extent} extent
 * @returns {View}
 */
export function whole(extent) {
  return { startS: 0, endS: extent.durationS, lowHz: 0, highHz: extent.maxHz };
}

/**
 * The part of a range that lies within the limits, with its length if that is possible.
 * @param {number} low
 * @param {number} high
 * @param {number} limit
 * @param {number} least
 * @returns {[number, number]}
 */
function within(low, high, limit, least) {
  const length = Math.min(limit, Math.max(high - low, Math.min(least, limit)));
  const middle = (low + high) / 2;
  const start = Math.min(Math.max(0, middle - length / 2), limit - length);
  return [start, start + length];
}

/**
 * `view` within the sound.
 * @param {View} view
 * @param {Extent} extent
 * @returns {View}
 */
export function limited(view, extent) {
  const shortest = Math.max(SHORTEST_S, (extent.durationS * 1000) / WIDEST_PX);
  const [startS, endS] = within(view.startS, view.endS, extent.durationS, shortest);
  const [lowHz, highHz] = within(view.lowHz, view.highHz, extent.maxHz, NARROWEST_HZ);
  return { startS, endS, lowHz, highHz };
}

/**
 * Zoom about a point that stays where it is. A factor above 1 shows more detail.
 * @param {View} view
 * @param {Extent} extent
 * @param {{ time?: number, frequency?: number, atS?: number, atHz?: number }} zoom
 * @returns {View}
 */
export function zoomed(view, extent, { time = 1, frequency = 1, atS, atHz }) {
  const s = atS ?? (view.startS + view.endS) / 2;
  const hz = atHz ?? (view.lowHz + view.highHz) / 2;
  return limited(
    {
      startS: s - (s - view.startS) / time,
      endS: s + (view.endS - s) / time,
      lowHz: hz - (hz - view.lowHz) / frequency,
      highHz: hz + (view.highHz - hz) / frequency,
    },
    extent,
  );
}

/**
 * Move the view by fractions of what it shows.
 * @param {View} view
 * @param {Extent} extent
 * @param {{ time?: number, frequency?: number }} by
 * @returns {View}
 */
export function moved(view, extent, { time = 0, frequency = 0 }) {
  const s = time * (view.endS - view.startS);
  const hz = frequency * (view.highHz - view.lowHz);
  return limited(
    { startS: view.startS + s, endS: view.endS + s, lowHz: view.lowHz + hz, highHz: view.highHz + hz },
    extent,
  );
}

/**
 * A view of a box, with some space around it.
 * @param {View} box
 * @param {Extent} extent
 * @returns {View}
 */
export function around({ startS, endS, lowHz, highHz }, extent) {
  const s = (endS - startS) * 0.15;
  const hz = (highHz - lowHz) * 0.15;
  return limited({ startS: startS - s, endS: endS + s, lowHz: lowHz - hz, highHz: highHz + hz }, extent);
}

/**
 * Whether two views show the same.
 * @param {View} a
 * @param {View} b
 */
export function isSame(a, b) {
  return a.startS === b.startS && a.endS === b.endS && a.lowHz === b.lowHz && a.highHz === b.highHz;
}

/**
 * Where a time is, as a fraction of the width.
 * @param {View} view
 * @param {number} timeS
 */
export function xOf(view, timeS) {
  return (timeS - view.startS) / (view.endS - view.startS);
}

/**
 * Where a frequency is, as a fraction of the height from the top.
 * @param {View} view
 * @param {number} hz
 */
export function yOf(view, hz) {
  return 1 - (hz - view.lowHz) / (view.highHz - view.lowHz);
}

/**
 * The time at a fraction of the width.
 * @param {View} view
 * @param {number} x
 */
export function timeAt(view, x) {
  return view.startS + x * (view.endS - view.startS);
}

/**
 * The frequency at a fraction of the height from the top.
 * @param {View} view
 * @param {number} y
 */
export function hzAt(view, y) {
  return view.lowHz + (1 - y) * (view.highHz - view.lowHz);
}
