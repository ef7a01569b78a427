// New detections: the newest rows are asked for every few seconds, and those that are new or have changed are shown.

import { say } from "./judge.js";
import { choiceOf, parsed } from "./rows.js";

/** @typedef {import("./rows.js").DetectionRows} DetectionRows */

const EVERY_MS = 3000;

/** @param {DetectionRows} rows */
export function keepUpToDate(rows) {
  window.setInterval(() => {
    if (document.visibilityState === "visible") void update(rows);
  }, EVERY_MS);
}

/** @param {DetectionRows} rows */
async function update(rows) {
  const away = document.getElementById("away");
  try {
    const response = await fetch(`${rows.base}/rows?${rows.list.dataset.query}`, { headers: { "HX-Request": "true" } });
    if (response.status === 401) window.location.reload();
    if (away) away.hidden = response.ok;
    if (response.ok) merge(rows, parsed(`<ol>${await response.text()}</ol>`));
  } catch {
    if (away) away.hidden = false;
  }
}

/**
 * @param {DetectionRows} rows
 * @param {Document} page
 */
function merge(rows, page) {
  if (hasGap(rows, page)) {
    replaceAll(rows, page);
    return;
  }
  let added = 0;
  for (const fresh of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll("li.detection"))) {
    const known = rows.byId(fresh.dataset.id ?? "");
    if (!known) {
      added++;
      placeFor(rows, Number(fresh.dataset.start)).before(document.adoptNode(fresh));
    } else if (known.dataset.state !== fresh.dataset.state && !isTouched(known)) {
      known.replaceWith(document.adoptNode(fresh));
    }
  }
  if (added) tell(added);
}

/**
 * Whether there are detections between the oldest of those that have come and the newest that is shown.
 * @param {DetectionRows} rows
 * @param {Document} page
 * @returns {boolean}
 */
function hasGap(rows, page) {
  const oldest = /** @type {HTMLElement | undefined} */ ([...page.querySelectorAll("li.detection")].at(-1));
  const newest = rows.all[0];
  const goesOn = page.querySelector("li.older") !== null;
  return goesOn && !!oldest && !!newest && Number(oldest.dataset.start) > Number(newest.dataset.start);
}

/**
 * @param {DetectionRows} rows
 * @param {Document} page
 */
function replaceAll(rows, page) {
  rows.close();
  rows.list.replaceChildren(...page.querySelectorAll("ol > li"));
  /** @type {any} */ (window).htmx?.process(rows.list);
  rows.list.dispatchEvent(new Event("change")); // none is chosen any more
  tell(rows.all.length);
}

/** @param {number} added */
function tell(added) {
  document.getElementById("none")?.remove();
  document.body.dispatchEvent(new Event("detections-changed"));
  say(added === 1 ? "A new detection" : `${added} new detections`);
}

/**
 * The first row that is older, or the end.
 * @param {DetectionRows} rows
 * @param {number} start
 * @returns {ChildNode}
 */
function placeFor(rows, start) {
  const older = rows.all.find((row) => Number(row.dataset.start) < start) ?? rows.list.querySelector("li.older");
  if (older) return older;
  const end = document.createComment("");
  rows.list.append(end);
  return end;
}

/**
 * Whether somebody is at work on a row.
 * @param {HTMLElement} row
 * @returns {boolean}
 */
function isTouched(row) {
  return row.classList.contains("is-current") || row.contains(document.activeElement) || !!choiceOf(row)?.checked;
}
