// The bounds of regions in a sound. Pure.

/** @typedef {import("./box.js").Box} Box */

/**
 * @typedef {object} Region A part of a sound, which may begin before it and end after it.
 * @property {string} key
 * @property {number} startS
 * @property {number} endS
 * @property {number | null} lowHz null for no lower bound
 * @property {number | null} highHz null for no upper bound
 * @property {string} label
 * @property {string} kind a class of the element, for its color
 */

/** @typedef {{ startS: number, endS: number, lowHz: number | null, highHz: number | null }} Bounds */

/**
 * @param {Box} box
 * @param {number} timeS
 * @param {number} hz
 */
export function isIn({ startS, endS, lowHz, highHz }, timeS, hz) {
  return startS <= timeS && timeS <= endS && lowHz <= hz && hz <= highHz;
}

/** @param {Box} box */
export function areaOf({ startS, endS, lowHz, highHz }) {
  return (endS - startS) * (highHz - lowHz);
}

/**
 * The bounds of a box in a sound: the whole height is no band, and edges that lay outside of the sound, and were not
 * moved, stay there. Pure.
 * @param {Box} box
 * @param {import("./view.js").Extent} extent
 * @param {Region | null} region that had them before
 * @returns {Bounds}
 */
export function boundsOf(box, { durationS, maxHz }, region) {
  const startS = region && region.startS < 0 && box.startS <= 0 ? region.startS : box.startS;
  const endS = region && region.endS > durationS && box.endS >= durationS ? region.endS : box.endS;
  const isLow = box.lowHz <= 1;
  const isHigh = box.highHz >= maxHz - 1;
  const highHz = region?.highHz && region.highHz > maxHz && isHigh ? region.highHz : box.highHz;
  if (isLow && isHigh) return { startS, endS, lowHz: null, highHz: null };
  return { startS, endS, lowHz: isLow ? 0 : box.lowHz, highHz };
}
