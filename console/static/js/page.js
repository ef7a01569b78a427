// What all pages do: help, questions before something is removed, selects that submit, and a note when the console is
// away.

import { offerHelp } from "./help.js";

offerHelp();

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

for (const select of /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll("select[data-submit]"))) {
  select.addEventListener("change", () => select.form?.requestSubmit());
}

/**
 * Show or hide the note that the page is not up to date.
 * @param {boolean} isAway
 */
function showAway(isAway) {
  const note = document.getElementById("away");
  if (note) note.hidden = !isAway;
}

document.body.addEventListener("htmx:afterRequest", (event) => {
  const { successful, target, xhr } = /** @type {CustomEvent} */ (event).detail;
  if (xhr?.status === 401) window.location.reload(); // the session has ended
  showAway(!successful);
  if (!successful && target?.dataset.failed) target.textContent = target.dataset.failed;
});
