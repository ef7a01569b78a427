/** The chart of the last hours: loaded again when something was detected, and every minute. */

const EVERY_MS = 60000;
const SOON_MS = 3000;

/**
 * @param {HTMLElement} panel what is loaded again
 * @param {HTMLSelectElement | null} choice of the model
 * @param {string} address of the content of the panel
 */
export function makeHours(panel, choice, address) {
  let timer = 0;
  let dueAt = 0;

  async function load() {
    timer = 0;
    try {
      const model = choice?.value ?? "";
      const answer = await fetch(model ? `${address}?model=${encodeURIComponent(model)}` : address);
      if (answer.ok && !answer.redirected) show(await answer.text());
    } catch {
      // the console is away; it is tried again
    }
    plan(EVERY_MS);
  }

  /** @param {string} text the new content; what is open stays open */
  function show(text) {
    const parts = () => /** @type {HTMLDetailsElement[]} */ ([...panel.querySelectorAll("details")]);
    const open = parts().map((one) => one.open);
    panel.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.children);
    for (const [number, one] of parts().entries()) one.open = open[number] ?? false;
  }

  /** @param {number} delay_ms */
  function plan(delay_ms) {
    if (timer && dueAt <= Date.now() + delay_ms) return;
    window.clearTimeout(timer);
    dueAt = Date.now() + delay_ms;
    timer = window.setTimeout(() => (document.visibilityState === "visible" ? load() : plan(EVERY_MS)), delay_ms);
  }

  choice?.addEventListener("change", () => {
    const here = new URL(window.location.href);
    if (choice.value) here.searchParams.set("model", choice.value);
    else here.searchParams.delete("model");
    window.history.replaceState(null, "", here);
    load();
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && plan(SOON_MS));
  panel.addEventListener("pointermove", (event) => readOut(panel, event));
  plan(EVERY_MS);
  return {
    /** Something was detected. It is in the store a moment later. */
    detected: () => plan(SOON_MS),
  };
}

/**
 * @param {HTMLElement} panel
 * @param {PointerEvent} event
 */
function readOut(panel, event) {
  const box = event.target instanceof Element ? event.target.closest(".plot-box") : null;
  const readout = panel.querySelector("[data-readout]");
  if (!readout) return;
  const labels = /** @type {HTMLElement | null} */ (box?.closest(".plot"))?.dataset.labels?.split("|") ?? [];
  if (!box || !labels.length) {
    readout.textContent = "";
    return;
  }
  const { left, width } = box.getBoundingClientRect();
  const hour = Math.min(labels.length - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * labels.length)));
  const counts = /** @type {HTMLElement[]} */ ([...box.querySelectorAll("[data-counts]")])
    .map((path) => ({ label: path.dataset.label, n: Number(path.dataset.counts?.split(",")[hour]) }))
    .filter(({ n }) => n);
  const total = counts.reduce((sum, { n }) => sum + n, 0);
  const parts = counts.map(({ label, n }) => `${label} ${n}`);
  readout.textContent = `${labels[hour]}: ${total}${parts.length ? ` (${parts.join(", ")})` : ""}`;
}
