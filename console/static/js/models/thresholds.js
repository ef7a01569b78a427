// Sliders of thresholds, which say what each threshold costs.

/** @typedef {[number, number, number | null, number, number]} Step threshold, missed, alarms per day, precision, height */

/** @param {HTMLFormElement} form */
export function watchThresholds(form) {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-steps]"))) {
    const steps = /** @type {Step[]} */ (JSON.parse(part.dataset.steps ?? "[]"));
    const slider = /** @type {HTMLInputElement} */ (part.querySelector("input[type=range]"));
    slider.addEventListener("input", () => show(part, steps, Number(slider.value)));
    form.addEventListener("reset", () => setTimeout(() => show(part, steps, Number(slider.value))));
  }
  form.addEventListener("reset", () => setTimeout(() => form.dispatchEvent(new Event("change", { bubbles: true }))));
}

const ROUNDING = 0.00005;

/**
 * What a threshold costs: as much as the lowest stated one that is not below it; one above all misses every call. Steps
 * are from the highest one down, and rounded.
 * @param {Step[]} steps
 * @param {number} threshold
 * @returns {Step | undefined}
 */
export function costAt(steps, threshold) {
  if (steps.length === 0) return undefined;
  const found = steps.findLast(([at]) => at >= threshold - ROUNDING);
  return found ?? [threshold, 1, steps[0][2] === null ? null : 0, 1, 0];
}

/**
 * @param {HTMLElement} part
 * @param {Step[]} steps
 * @param {number} threshold
 */
function show(part, steps, threshold) {
  const cost = costAt(steps, threshold);
  part.querySelector(".cost-mark")?.setAttribute("transform", `translate(${100 * threshold} 0)`);
  write(part, "threshold", threshold.toFixed(3));
  if (!cost) return;
  const [, missed, alarms, precision] = cost;
  write(part, "missed", `${(100 * missed).toFixed(1)} % of calls missed`);
  if (alarms !== null) write(part, "alarms", `${alarms.toFixed(1)} false alarms per day`);
  write(part, "precision", `precision ${precision.toFixed(2)}`);
}

/**
 * @param {HTMLElement} part
 * @param {string} name
 * @param {string} text
 */
function write(part, name, text) {
  const place = part.querySelector(`[data-cost="${name}"]`);
  if (place) place.textContent = text;
}
