// A selection: a period and a band of a sound. Pure.

/** @typedef {{ startS: number, endS: number, lowHz: number, highHz: number }} Box */
/** @typedef {import("./view.js").Extent} Extent */
/** @typedef {{ left?: boolean, right?: boolean, top?: boolean, bottom?: boolean }} Edges */

const SHORTEST_S = 0.001;
const NARROWEST_HZ = 10;

/**
 * The box between two points, within the sound.
 * @param {{ timeS: number, hz: number }} a
 * @param {{ timeS: number, hz: number }} b
 * @param {Extent} extent
 * @returns {Box}
 */
export function between(a, b, extent) {
  return limitedBox(
    {
      startS: Math.min(a.timeS, b.timeS),
      endS: Math.max(a.timeS, b.timeS),
      lowHz: Math.min(a.hz, b.hz),
      highHz: Math.max(a.hz, b.hz),
    },
    extent,
  );
}

/**
 * A box within the sound.
 * @param {Box} box
 * @param {Extent} extent
 * @returns {Box}
 */
export function limitedBox(box, { durationS, maxHz }) {
  const startS = Math.min(Math.max(0, box.startS), durationS - SHORTEST_S);
  const lowHz = Math.min(Math.max(0, box.lowHz), maxHz - NARROWEST_HZ);
  return {
    startS,
    endS: Math.min(Math.max(box.endS, startS + SHORTEST_S), durationS),
    lowHz,
    highHz: Math.min(Math.max(box.highHz, lowHz + NARROWEST_HZ), maxHz),
  };
}

/**
 * A box that was moved as a whole, as far as the sound reaches.
 * @param {Box} box
 * @param {number} byS
 * @param {number} byHz
 * @param {Extent} extent
 * @returns {Box}
 */
export function movedBox(box, byS, byHz, { durationS, maxHz }) {
  const s = Math.min(Math.max(byS, -box.startS), durationS - box.endS);
  const hz = Math.min(Math.max(byHz, -box.lowHz), maxHz - box.highHz);
  return { startS: box.startS + s, endS: box.endS + s, lowHz: box.lowHz + hz, highHz: box.highHz + hz };
}

/**
 * A box of which some edges were moved. An edge that passes the opposite one takes its place.
 * @param {Box} box
 * @param {Edges} edges
 * @param {number} byS
 * @param {number} byHz
 * @param {Extent} extent
 * @returns {Box}
 */
export function resizedBox(box, edges, byS, byHz, extent) {
  return between(
    { timeS: box.startS + (edges.left ? byS : 0), hz: box.lowHz + (edges.bottom ? byHz : 0) },
    { timeS: box.endS + (edges.right ? byS : 0), hz: box.highHz + (edges.top ? byHz : 0) },
    extent,
  );
}

/**
 * A box for a start: a tenth of what is shown around a time, and the middle half of the frequencies.
 * @param {import("./view.js").View} view
 * @param {number} atS
 * @returns {Box}
 */
export function boxAt({ startS, endS, lowHz, highHz }, atS) {
  const half = (endS - startS) / 20;
  const middle = Math.min(Math.max(atS, startS + half), endS - half);
  const quarter = (highHz - lowHz) / 4;
  return { startS: middle - half, endS: middle + half, lowHz: lowHz + quarter, highHz: highHz - quarter };
}
