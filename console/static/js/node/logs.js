// Follows a log: asks for the lines that were added, and keeps the end in sight while the reader is there.

const EVERY_MS = 2000;
const MOST_LINES = 2000;
const NEAR_END_PX = 40;

const log = document.getElementById("log");
const follow = /** @type {HTMLInputElement | null} */ (document.getElementById("follow"));
const away = document.getElementById("log-away");

/**
 * The level that a line states, as the name of a class.
 * @param {string} line
 * @returns {string}
 */
function levelOf(line) {
  const level = /^\S+ (warning|error|critical) |"level": "(warning|error|critical)"/.exec(line);
  const found = level?.[1] ?? level?.[2] ?? "";
  return found === "critical" ? "error" : found;
}

/**
 * @param {HTMLElement} shown
 * @param {string[]} lines
 */
function append(shown, lines) {
  for (const line of lines) {
    const row = document.createElement("span");
    row.textContent = line;
    row.className = levelOf(line);
    shown.append(row, "\n");
  }
  while (shown.childElementCount > MOST_LINES) {
    shown.firstElementChild?.remove();
    if (shown.firstChild?.nodeType === Node.TEXT_NODE) shown.firstChild.remove();
  }
}

/** @param {HTMLElement} shown */
async function ask(shown) {
  const { address = "", position = "", contains = "" } = shown.dataset;
  const answer = await fetch(`${address}?${new URLSearchParams({ after: position, contains, limit: "1000" })}`);
  if (answer.status === 401) window.location.reload(); // the session has ended
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const part = await answer.json();
  const isAtEnd = shown.scrollHeight - shown.scrollTop - shown.clientHeight < NEAR_END_PX;
  shown.dataset.position = part.position;
  append(shown, part.lines);
  if (part.lines.length > 0 && isAtEnd) shown.scrollTop = shown.scrollHeight;
}

if (log) {
  for (const row of log.querySelectorAll("span")) row.className = levelOf(row.textContent ?? "");
  log.scrollTop = log.scrollHeight;
  let isAsking = false;
  window.setInterval(async () => {
    if (isAsking || !follow?.checked || document.visibilityState !== "visible") return;
    isAsking = true;
    try {
      await ask(log);
      if (away) away.hidden = true;
    } catch {
      if (away) away.hidden = false;
    } finally {
      isAsking = false;
    }
  }, EVERY_MS);
}
