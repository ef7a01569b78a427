// Forms whose answer takes a while say so, and are not sent twice.

/** @type {HTMLButtonElement | null} */
let pressed = null;

document.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest("button[data-busy]");
  if (button) pressed = /** @type {HTMLButtonElement} */ (button);
});

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !pressed || pressed.form !== event.target) return;
  const button = pressed;
  button.setAttribute("aria-busy", "true");
  button.textContent = `${button.dataset.busy} …`;
  for (const other of /** @type {HTMLFormElement} */ (event.target).querySelectorAll("button")) {
    window.setTimeout(() => {
      other.disabled = true; // after the form has been read
    });
  }
});

document.body.addEventListener("htmx:beforeRequest", (event) => {
  const button = /** @type {HTMLElement} */ (event.target);
  if (!button.dataset.busy) return;
  button.dataset.words = button.textContent ?? "";
  button.textContent = `${button.dataset.busy} …`;
});

document.body.addEventListener("htmx:afterRequest", (event) => {
  const button = /** @type {HTMLElement} */ (event.target);
  if (button.dataset.words) button.textContent = button.dataset.words;
});
