// The scales of both axes, as text beside the spectrogram.

import { make } from "./layer.js";
import { digitsOf, roundTicks, timeText, timeTicks, utc } from "./ticks.js";
import { xOf, yOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./layer.js").When} When */

const TICK_PX = 34;
const CLOCK_TICK_PX = 70;
const HALF_LABEL_PX = 28;

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
  const offsetS = startMs === null ? 0 : (startMs % 86_400_000) / 1000;
  const { times, stepS } = timeTicks(view.startS, view.endS, axis.clientWidth / CLOCK_TICK_PX, offsetS);
  const edge = HALF_LABEL_PX / Math.max(1, axis.clientWidth);
  const seen = times.filter((time) => xOf(view, time) >= edge && xOf(view, time) <= 1 - edge);
  axis.replaceChildren(
    ...seen.map((time) => {
      const digits = startMs !== null && stepS >= 60 ? -1 : digitsOf(stepS);
      const tick = make("span", "sound-tick", timeText(time, when, digits));
      tick.style.left = `${xOf(view, time) * 100}%`;
      if (startMs !== null) tick.title = utc(startMs + time * 1000);
      return tick;
    }),
  );
}
