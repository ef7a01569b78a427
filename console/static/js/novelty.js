// The novelty inbox: marks each detection in its spectrogram, counts the sounds that a button answers, and shows those
// that a narrow screen leaves out.

/** @typedef {import("./sound/sound-view.js").SoundView} SoundView */

/** @param {SoundView} view whose sound is loaded */
function markDetection(view) {
  const { startMs } = view.when;
  const { id, begins, ends } = view.dataset;
  if (startMs === null || !id || !begins || !ends) return;
  const [startS, endS] = [begins, ends].map((time) => (Date.parse(time) - startMs) / 1000);
  view.marks = [{ id, startS: Math.max(0, startS), endS, label: "novel", kind: "detection" }];
}

/** @param {Element} group whose sounds are left out or not */
function countSounds(group) {
  const button = group.querySelector("[data-names]");
  if (!button) return;
  const count = Number(button.getAttribute("data-names")) - group.querySelectorAll("[name=left_out]:checked").length;
  button.textContent = count === 1 ? "Name it" : `Name all ${count}`;
}

/** @param {Event} event */
function groupOf(event) {
  return event.target instanceof Element ? event.target.closest(".novel-group") : null;
}

document.addEventListener("sound-ready", ({ target }) => {
  if (target instanceof HTMLElement) markDetection(/** @type {SoundView} */ (target));
});
document.addEventListener("change", (event) => {
  const group = groupOf(event);
  if (group) countSounds(group);
});
document.addEventListener("htmx:afterSwap", (event) => {
  const group = groupOf(event);
  if (!group || !(event.target instanceof Element) || !event.target.classList.contains("novel-sounds")) return;
  event.target.classList.add("all");
  group.querySelector(".novel-more")?.remove();
  countSounds(group);
});
