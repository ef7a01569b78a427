// The scales of both axes, as text beside the spectrogram.

import { make } from "./layer.js";
import { digitsOf, labelWidthPx, roundTicks, timeText, timeTicks, utc } from "./ticks.js";
import { xOf, yOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./layer.js").When} When */

const TICK_PX = 34;
const CLOCK_TICK_PX = 70;
const GAP_PX = 8;

/**
 * Write the frequencies in kHz.
 * @param {HTMLElement} axis
 * @param {View} view
 */
export function drawFrequencies(axis, view) {
  const ticks = roundTicks(view.lowHz / 1000, view.highHz / 1000, axis.clientHeight / TICK_PX);
  const digits = ticks.length > 1 ? digitsOf(ticks[1] - ticks[0]) : 1;
  axis.replaceChildren(
    ...ticks.map((khz) => {
      const y = yOf(view, khz * 1000);
      const tick = make("span", `sound-tick${y < 0.06 ? " first" : y > 0.94 ? " last" : ""}`, khz.toFixed(digits));
      tick.style.top = `${y * 100}%`;
      return tick;
    }),
  );
}

/**
 * Write the times, of the clock if the beginning is known; their titles are in UTC.
 * @param {HTMLElement} axis
 * @param {View} view
 * @param {When} when
 */
export function drawTimes(axis, view, when) {
  const { startMs } = when;
  const labels = timeLabels(view, when, axis.clientWidth);
  axis.replaceChildren(
    ...labels.map(({ timeS, text }) => {
      const tick = make("span", "sound-tick", text);
      tick.style.left = `${xOf(view, timeS) * 100}%`;
      if (startMs !== null) tick.title = utc(startMs + timeS * 1000);
      return tick;
    }),
  );
}

/**
 * As many times as fit beside one another, each with its label whole.
 * @param {View} view
 * @param {When} when
 * @param {number} widthPx
 * @returns {{ timeS: number, text: string }[]}
 */
function timeLabels(view, when, widthPx) {
  const { startMs } = when;
  const offsetS = startMs === null ? 0 : (startMs % 86_400_000) / 1000;
  for (let labelPx = CLOCK_TICK_PX; ; labelPx *= 1.2) {
    const { times, stepS } = timeTicks(view.startS, view.endS, widthPx / labelPx, offsetS);
    const digits = startMs !== null && stepS >= 60 ? -1 : digitsOf(stepS);
    const labels = times.map((timeS) => ({ timeS, text: timeText(timeS, when, digits) }));
    const widestPx = Math.max(0, ...labels.map(({ text }) => labelWidthPx(text)));
    if ((stepS / (view.endS - view.startS)) * widthPx < widestPx + GAP_PX && labels.length > 1) continue;
    const edge = widestPx / 2 / Math.max(1, widthPx);
    return labels.filter(({ timeS }) => xOf(view, timeS) >= edge && xOf(view, timeS) <= 1 - edge);
  }
}
