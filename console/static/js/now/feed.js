/** The list of detections as they come, the newest first. */

import { percent, span } from "./channels.js";

/** @typedef {import("./live.js").LiveDetection} LiveDetection */

const MOST = 30;

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} empty shown while there are none
 * @param {string} zone time zone of the node
 */
export function makeFeed(list, empty, zone) {
  const days = new Intl.DateTimeFormat("en-CA", { dateStyle: "short", timeZone: zone });
  const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: zone });

  /**
   * @param {LiveDetection} detection
   * @returns {HTMLLIElement}
   */
  function made(detection) {
    const item = document.createElement("li");
    item.className = detection.is_open ? "heard open" : "heard";
    item.dataset.id = detection.id;
    item.dataset.start = detection.start;
    const time = document.createElement("time");
    time.dateTime = detection.start;
    time.title = `${detection.start.slice(0, 19).replace("T", " ")} UTC`;
    time.textContent = clock.format(new Date(detection.start));
    time.className = "number quiet";
    const seconds = (Date.parse(detection.end) - Date.parse(detection.start)) / 1000;
    const length = `${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
    const what = span("heard-what", "");
    const link = document.createElement("a");
    link.className = "heard-class";
    link.href = addressOf(detection);
    link.textContent = detection.path.at(-1) ?? "";
    what.append(link, span("quiet small", placeOf(detection)));
    const figures = span("heard-figures number", percent(detection.probability));
    figures.append(span("quiet small", detection.is_open ? "now" : length));
    item.append(time, what, figures);
    return item;
  }

  /**
   * The page Detections, where it is opened with its sound.
   * @param {LiveDetection} detection
   */
  function addressOf({ start, path, channel }) {
    const day = days.format(new Date(start));
    const query = { class: path.join("/"), first_day: day, last_day: day, open: start, on: channel };
    return `${list.dataset.detections}?${new URLSearchParams(query)}`;
  }

  /** @param {readonly LiveDetection[]} detections */
  function show(detections) {
    for (const detection of detections) {
      const item = made(detection);
      const known = list.querySelector(`[data-id="${CSS.escape(detection.id)}"]`);
      if (known) {
        const hasFocus = known.contains(document.activeElement);
        known.replaceWith(item);
        if (hasFocus) item.querySelector("a")?.focus({ preventScroll: true });
      }
      else {
        const older = /** @type {HTMLElement[]} */ ([...list.children]).find((one) => (one.dataset.start ?? "") <= detection.start);
        list.insertBefore(item, older ?? null);
      }
    }
    while (list.children.length > MOST) list.lastElementChild?.remove();
    empty.hidden = list.children.length > 0;
  }

  return { show };
}

/**
 * @param {LiveDetection} detection
 * @returns {string}
 */
function placeOf(detection) {
  const parents = detection.path.slice(0, -1);
  const [source, port] = detection.channel.split(":out_");
  return [...parents, port === undefined ? source : `${source} ${port}`].join(" · ");
}
