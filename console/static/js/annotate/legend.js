// The tags with how often each was given; a click highlights one.

export class Legend {
  /**
   * @param {HTMLElement} root
   * @param {(tag: string) => void} onTag
   */
  constructor(root, onTag) {
    this.root = root;
    root.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (button?.dataset.tag !== undefined) onTag(button.dataset.tag);
    });
  }

  /**
   * @param {readonly [string, number][]} totals
   * @param {(tag: string) => number} colorOf
   * @param {string | null} highlighted
   */
  show(totals, colorOf, highlighted) {
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.tag : undefined;
    const hasFocus = this.root.contains(document.activeElement);
    const buttons = totals.map(([tag, count]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = `legend-tag tag-${colorOf(tag)}`;
      button.dataset.tag = tag;
      button.setAttribute("aria-pressed", String(tag === highlighted));
      const dot = document.createElement("span");
      dot.className = "tag-dot";
      const number = document.createElement("span");
      number.className = "quiet number";
      number.textContent = count.toLocaleString("en");
      button.append(dot, tag, " ", number);
      return button;
    });
    this.root.replaceChildren(...buttons);
    if (!buttons.length) {
      const note = document.createElement("span");
      note.className = "small quiet";
      note.textContent = "Nothing is annotated yet.";
      this.root.append(note);
    }
    if (hasFocus) buttons.find((button) => button.dataset.tag === focused)?.focus({ preventScroll: true });
  }
}
