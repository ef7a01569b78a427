// The help of a page: a dialog, which its button and the key ? open. The browser gives the focus back when it closes.

import { isForPage } from "./keyboard.js";

/** Open the help of the page when somebody asks for it. */
export function offerHelp() {
  const dialog = document.getElementById("help");
  if (!(dialog instanceof HTMLDialogElement)) return;
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("#open-help")) dialog.showModal();
    else if (target === dialog) dialog.close(); // beside what it holds
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || !isForPage(event)) return;
    event.preventDefault();
    dialog.showModal();
  });
}
