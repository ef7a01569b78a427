// The peaks of a long period from the REST API. Recordings that were not read yet are asked for again.

/**
 * @typedef {object} Peaks
 * @property {(number | null)[]} low
 * @property {(number | null)[]} high
 * @property {{ start_s: number, duration_s: number }[]} recorded
 * @property {boolean} is_complete
 * @property {number} duration_s
 * @property {string} start
 */

const PAUSE_MS = 300;
const FLOOR_DB = -60;

/**
 * Ask until all is known; `then` is called with each answer.
 * @param {string} address
 * @param {AbortSignal} signal
 * @param {(peaks: Peaks) => void} then
 * @returns {Promise<void>}
 */
export async function followPeaks(address, signal, then) {
  for (;;) {
    const response = await fetch(address, { signal });
    if (!response.ok) throw new Error((await response.json()).error?.message ?? String(response.status));
    /** @type {Peaks} */
    const peaks = await response.json();
    signal.throwIfAborted();
    then(peaks);
    if (peaks.is_complete) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/**
 * The height of a pixel, 0 to 1: its level in dB between -60 dB and full scale.
 * @param {Peaks} peaks
 * @param {number} pixel
 */
export function heightAt({ low, high }, pixel) {
  const peak = Math.max(-(low[pixel] ?? 0), high[pixel] ?? 0);
  return peak > 0 ? Math.max(0, 1 - (20 * Math.log10(peak)) / FLOOR_DB) : 0;
}

/**
 * What was not recorded.
 * @param {Peaks} peaks
 * @returns {{ startS: number, endS: number }[]}
 */
export function missing({ recorded, duration_s }) {
  const found = [];
  let at = 0;
  for (const { start_s, duration_s: length } of [...recorded, { start_s: duration_s, duration_s: 0 }]) {
    if (start_s > at) found.push({ startS: at, endS: start_s });
    at = Math.max(at, start_s + length);
  }
  return found;
}
