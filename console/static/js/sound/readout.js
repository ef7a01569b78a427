// What is under the pointer: time, frequency and level.

import { dbText, digitsOf, hzText, timeText, utc } from "./ticks.js";
import { hzAt, timeAt } from "./view.js";

/**
 * Write what is at a place: fractions of the width and of the height from the top. Null clears it.
 * @param {import("./frame.js").Frame} frame
 * @param {[number, number] | null} place
 * @param {import("./view.js").View} view
 * @param {import("./layer.js").When} when
 * @param {number | null} db
 */
export function readOut({ readout, crosshair }, place, view, when, db) {
  crosshair.hidden = !place;
  readout.textContent = "";
  if (!place) return;
  const [x, y] = place;
  const timeS = timeAt(view, x);
  const digits = Math.max(1, digitsOf((view.endS - view.startS) / 1000));
  const texts = [timeText(timeS, when, digits), hzText(hzAt(view, y))];
  if (db !== null) texts.push(`${dbText(db)}FS`);
  readout.textContent = texts.join("  \u00b7  ");
  if (when.startMs !== null) readout.title = utc(when.startMs + timeS * 1000);
  crosshair.style.left = `${x * 100}%`;
  crosshair.style.top = `${y * 100}%`;
}
