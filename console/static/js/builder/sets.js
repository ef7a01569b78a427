// The models to build: a name and a set of tags each.

import { element } from "./api.js";
import { colorOf } from "./days.js";

export class ModelSets {
  /**
   * @param {HTMLElement} place
   * @param {Record<string, number>} tags
   * @param {number} least how often a tag occurs that is chosen by itself
   * @param {string[]} taken names that models have
   * @param {() => void} onChange
   */
  constructor(place, tags, least, taken, onChange) {
    this.taken = taken;
    this.place = place;
    this.tags = tags;
    this.least = least;
    this.onChange = onChange;
    this.count = 0;
    place.addEventListener("input", onChange);
    this.add(true);
  }

  /** @param {boolean} [withAll] Whether all frequent tags are chosen. */
  add(withAll = false) {
    this.count += 1;
    const number = this.count;
    const set = element("fieldset", "model-set");
    set.append(element("legend", "", number === 1 ? "Model" : `Model ${number}`), this.nameField(number));
    const choices = element("div", "choices");
    for (const [tag, count] of Object.entries(this.tags)) {
      const label = element("label");
      const box = element("input");
      box.type = "checkbox";
      box.value = tag;
      box.checked = withAll && count >= this.least;
      label.append(box, element("span", `swatch ${colorOf(Object.keys(this.tags), tag)}`), `${tag} `);
      label.append(element("span", "quiet number", String(count)));
      choices.append(label);
    }
    set.append(choices);
    if (number > 1) {
      const remove = element("button", "button compact plain", "Remove this model");
      remove.type = "button";
      remove.addEventListener("click", () => {
        set.remove();
        this.onChange();
      });
      set.append(remove);
    }
    this.place.append(set);
  }

  /** The first of `model-1`, `model-2`, … that no model has. */
  freeName() {
    const fields = /** @type {NodeListOf<HTMLInputElement>} */ (this.place.querySelectorAll(".model-name"));
    const used = new Set([...this.taken, ...[...fields].map((field) => field.value.trim())]);
    let number = 1;
    while (used.has(`model-${number}`)) number += 1;
    return `model-${number}`;
  }

  /** @param {number} number */
  nameField(number) {
    const field = element("div", "field");
    const label = element("label", "", "Name");
    const input = element("input", "model-name");
    input.id = `model-name-${number}`;
    label.htmlFor = input.id;
    input.required = true;
    input.maxLength = 64;
    input.pattern = "[A-Za-z0-9_\\-][A-Za-z0-9_.\\-]*";
    input.value = this.freeName();
    field.append(label, input);
    return field;
  }

  /** The tags of all models. */
  get tagsOfAll() {
    return [...new Set(this.models.flatMap((one) => one.tags))];
  }

  /**
   * What is asked for; sets without tags are left out.
   * @returns {{name: string, tags: string[]}[]}
   */
  get models() {
    return [...this.place.querySelectorAll("fieldset")]
      .map((set, number) => ({
        name: /** @type {HTMLInputElement} */ (set.querySelector(".model-name")).value.trim() || `model-${number + 1}`,
        tags: [.../** @type {NodeListOf<HTMLInputElement>} */ (set.querySelectorAll("input:checked"))].map((box) => box.value),
      }))
      .filter((one) => one.tags.length);
  }
}
