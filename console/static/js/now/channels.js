/** The channels: their levels, and the classes that are likeliest. */

/** @typedef {import("./live.js").LiveChannel} LiveChannel */

const LOWEST_DBFS = -72;
const HOT_DBFS = -3;
const ROWS = 3;

/**
 * Show what was heard of a channel, if the page has it.
 * @param {HTMLElement} page
 * @param {LiveChannel} channel
 */
export function showChannel(page, channel) {
  const row = page.querySelector(`[data-port="${CSS.escape(channel.port)}"]`);
  if (!row) return;
  showLevel(row, channel.level_dbfs);
  row.classList.toggle("has-gap", channel.has_gap);
  const list = row.querySelector(".now-classes");
  if (list) showClasses(/** @type {HTMLElement} */ (list), channel);
}

/**
 * @param {Element} row
 * @param {number | null} level
 */
function showLevel(row, level) {
  const share = level === null ? 0 : Math.min(1, Math.max(0, (level - LOWEST_DBFS) / -LOWEST_DBFS));
  row.querySelector(".bar")?.setAttribute("width", (100 * share).toFixed(1));
  row.querySelector(".level")?.classList.toggle("hot", level !== null && level > HOT_DBFS);
  const text = row.querySelector(".channel-level");
  if (text) text.textContent = level === null ? "no level" : `${level.toFixed(0).replace("-", "−")} dBFS`;
}

/**
 * @param {HTMLElement} list
 * @param {LiveChannel} channel
 */
export function showClasses(list, channel) {
  list.replaceChildren(
    ...channel.classes.slice(0, ROWS).map(({ name, probability, is_detected }) => {
      const item = document.createElement("li");
      item.className = is_detected ? "now-class detected" : "now-class";
      item.style.setProperty("--share", probability.toFixed(3));
      item.append(span("now-class-name", name), span("number", percent(probability)));
      return item;
    }),
  );
}

/**
 * @param {string} name
 * @param {string} text
 * @returns {HTMLSpanElement}
 */
export function span(name, text) {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  return made;
}

/**
 * @param {number} probability
 * @returns {string}
 */
export function percent(probability) {
  return `${Math.round(100 * probability)} %`;
}
