// The keyboard: one detection after the other, judged with one key each.

import { isForPage } from "../keyboard.js";

/** @typedef {import("./rows.js").DetectionRows} DetectionRows */
/** @typedef {import("./judge.js").Judge} Judge */

/** @type {Readonly<Record<string, string>>} */
const VERDICTS = { r: "right", w: "wrong", n: "unsure" };

/**
 * @param {KeyboardEvent} event
 * @param {DetectionRows} rows
 * @param {Judge} judge
 */
export function onKey(event, rows, judge) {
  if (event.ctrlKey || event.metaKey || !isForPage(event)) return;
  const isDone = viewKey(event.key, rows) || (rows.mayAnnotate && judgeKey(event.key, rows, judge));
  if (isDone) event.preventDefault();
}

/**
 * @param {string} key
 * @param {DetectionRows} rows
 * @returns {boolean} whether it was one
 */
function viewKey(key, rows) {
  if (key === "j") void rows.move(1);
  else if (key === "k") void rows.move(-1);
  else if (key === "Escape") rows.close();
  else if (key === "p") /** @type {any} */ (rows.current?.querySelector("sound-view"))?.playback?.toggle?.();
  else return false;
  return true;
}

/**
 * @param {string} key
 * @param {DetectionRows} rows
 * @param {Judge} judge
 * @returns {boolean} whether it was one
 */
function judgeKey(key, rows, judge) {
  if (key in VERDICTS) void judge.judgeCurrent(VERDICTS[key]);
  else if (key === "s") void judge.star();
  else if (key === "x") rows.choose();
  else if (key === "u") void judge.undo();
  else if (key === "o") /** @type {HTMLElement | null} */ (rows.current?.querySelector('input[name="other"]'))?.focus();
  else return false;
  return true;
}
