// The pages of models: what thresholds cost while their sliders move, and a note while classifiers are loaded.

import { watchThresholds } from "./models/thresholds.js";

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-thresholds]"))) {
  watchThresholds(form);
}

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const note = document.getElementById("busy");
  setTimeout(() => {
    if (event.defaultPrevented || !form.dataset.busy || !note) return;
    note.textContent = form.dataset.busy;
    note.hidden = false;
  });
});

document.body.addEventListener("htmx:afterSwap", (event) => {
  const { target } = /** @type {CustomEvent} */ (event).detail;
  if (target instanceof HTMLElement && target.id === "examples") target.scrollIntoView({ block: "start" });
});

keepOpen(document.getElementById("classifiers"));

/**
 * Parts that are open stay so when the comparison is loaded again.
 * @param {HTMLElement | null} place
 */
function keepOpen(place) {
  let open = false;
  place?.addEventListener("htmx:beforeSwap", () => {
    open = place.querySelector("details[data-keep]")?.hasAttribute("open") ?? false;
  });
  place?.addEventListener("htmx:afterSwap", () => {
    if (open) place.querySelector("details[data-keep]")?.setAttribute("open", "");
  });
}
