// The tags that are given to the chosen region or to what was selected: nine with number keys, and a field for any.

import { afterUse, filledUp, keepSlots, keptSlots } from "./tags.js";

export class TagBar {
  #slots = keptSlots();
  /** @type {readonly string[]} */
  #names = [];

  /**
   * @param {{ slots: HTMLElement, form: HTMLFormElement, field: HTMLInputElement, names: HTMLElement }} parts
   * @param {(tag: string) => boolean} onTag whether there was something to tag
   */
  constructor({ slots, form, field, names }, onTag) {
    this.parts = { slots, form, field, names };
    this.onTag = onTag;
    slots.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      const tag = button?.dataset.tag;
      if (tag !== undefined) this.set(tag);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const tag = field.value.trim().normalize("NFC");
      if (tag && this.set(tag)) {
        field.value = "";
        field.blur();
      }
    });
  }

  /**
   * Show the tags.
   * @param {readonly string[]} frequent all of them, the most frequent first
   * @param {(tag: string) => number} colorOf
   * @param {string | null} present the tag of the chosen region
   */
  show(frequent, colorOf, present) {
    const names = [...frequent].sort((a, b) => a.localeCompare(b));
    if (names.join("\n") !== this.#names.join("\n")) {
      this.#names = names;
      this.parts.names.replaceChildren(...names.map((name) => new Option(name, name)));
    }
    this.#slots = filledUp(this.#slots, frequent);
    this.parts.slots.replaceChildren(
      ...this.#slots.map(({ name }, place) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = `button compact tag-slot tag-${colorOf(name)}`;
        button.dataset.tag = name;
        button.setAttribute("aria-pressed", String(name === present));
        button.setAttribute("aria-keyshortcuts", String(place + 1));
        const dot = document.createElement("span");
        dot.className = "tag-dot";
        const label = document.createElement("span");
        label.className = "tag-name";
        label.textContent = name;
        const key = document.createElement("kbd");
        key.textContent = String(place + 1);
        button.append(dot, label, key);
        return button;
      }),
    );
  }

  /**
   * Use a tag.
   * @param {string} tag
   * @returns {boolean} whether there was something to tag
   */
  set(tag) {
    if (!this.onTag(tag)) return false;
    this.#slots = afterUse(this.#slots, tag);
    keepSlots(this.#slots);
    return true;
  }

  /**
   * Use the tag of a number key.
   * @param {number} number from 1
   * @returns {boolean} whether there is one
   */
  setNumber(number) {
    const slot = this.#slots[number - 1];
    if (slot) this.set(slot.name);
    return slot !== undefined;
  }

  focusField() {
    this.parts.field.focus();
    this.parts.field.select();
  }

  /**
   * Offer a tag in the field.
   * @param {string} tag
   */
  propose(tag) {
    this.parts.field.value = tag;
  }
}
