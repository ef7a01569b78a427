// The note that the console is away, and that edits wait to be sent.

/** @typedef {import("./outbox.js").Outbox} Outbox */

const AWAY = "The console does not answer. This page shows what was last known.";

export class FaultNote {
  isAway = false;

  /**
   * @param {HTMLElement} root
   * @param {Outbox} outbox
   */
  constructor(root, outbox) {
    this.root = root;
    this.outbox = outbox;
    this.text = /** @type {HTMLElement} */ (root.querySelector("[data-text]"));
    this.button = /** @type {HTMLElement} */ (root.querySelector("button"));
    this.button.addEventListener("click", () => outbox.send());
  }

  show() {
    const { edits, fault } = this.outbox;
    const isWaiting = edits.length > 0 && fault !== "";
    const kept = edits.length === 1 ? "1 change is kept in this browser" : `${edits.length} changes are kept in this browser`;
    this.root.hidden = !isWaiting && !this.isAway;
    this.button.hidden = !isWaiting;
    const text = isWaiting ? `${fault} ${kept} and will be sent again.` : AWAY;
    if (this.text.textContent !== text) this.text.textContent = text;
  }
}
