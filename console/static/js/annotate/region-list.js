// The annotations of the window as a list: to read, choose, play and delete them.

import { clock, hzRange } from "../sound/ticks.js";

/** @typedef {import("./edits.js").Shown} Shown */

/**
 * @typedef {object} ListActions
 * @property {(key: string) => string | null} searchOf address of a search for what sounds alike, once it is stored
 * @property {(key: string) => void} onChoose
 * @property {(key: string) => void} onPlay
 * @property {((key: string) => void) | null} onDelete null for those who may not
 */

const SVG = "http://www.w3.org/2000/svg";

export class RegionList {
  /**
   * @param {HTMLElement} root
   * @param {{ zone: string, sprite: string }} options
   * @param {ListActions} actions
   */
  constructor(root, { zone, sprite }, actions) {
    this.root = root;
    this.zone = zone;
    this.sprite = sprite;
    this.actions = actions;
    root.addEventListener("click", (event) => this.#onClick(event));
  }

  /**
   * @param {readonly Shown[]} annotations
   * @param {(tag: string) => number} colorOf
   * @param {string | null} chosen
   */
  show(annotations, colorOf, chosen) {
    const focused = document.activeElement instanceof HTMLElement && this.root.contains(document.activeElement) ? document.activeElement : null;
    const place = focused && { key: focused.closest("li")?.dataset.key, action: focused.dataset.action };
    this.root.replaceChildren(...annotations.map((one) => this.#row(one, colorOf(one.tag), one.key === chosen)));
    if (place?.key) this.#button(place.key, place.action ?? "")?.focus({ preventScroll: true });
  }

  /**
   * @param {Shown} one
   * @param {number} color
   * @param {boolean} isChosen
   */
  #row(one, color, isChosen) {
    const row = document.createElement("li");
    row.dataset.key = one.key;
    row.className = `region-row tag-${color}${isChosen ? " is-chosen" : ""}${one.isPending ? " is-pending" : ""}`;
    const open = this.#make("button", "region-open", "choose");
    open.setAttribute("aria-pressed", String(isChosen));
    const dot = document.createElement("span");
    dot.className = "tag-dot";
    open.append(
      dot,
      text("region-tag", one.tag),
      text("region-time small quiet number", `${this.#clock(one.start)}\u2013${this.#clock(one.end)}`),
      text("region-band small quiet number", one.low_hz === null || one.high_hz === null ? "" : hzRange(one.low_hz, one.high_hz)),
      text("region-author small quiet", one.isPending ? "not sent yet" : (one.author ?? "")),
    );
    row.append(open, this.#icon("play-part", "play", `Play ${one.tag}`));
    const address = this.actions.searchOf(one.key);
    if (address) row.append(this.#link("search", address, `Find what sounds like ${one.tag}`));
    if (this.actions.onDelete) row.append(this.#icon("delete", "delete", `Delete ${one.tag}`));
    return row;
  }

  /** @param {string} time */
  #clock(time) {
    return clock(Date.parse(time), this.zone, 1);
  }

  /**
   * @param {string} name
   * @param {string} kind
   * @param {string} action
   */
  #make(name, kind, action) {
    const element = document.createElement(name);
    element.className = kind;
    element.setAttribute("type", "button");
    element.dataset.action = action;
    return element;
  }

  /**
   * @param {string} icon
   * @param {string} action
   * @param {string} title
   */
  #icon(icon, action, title) {
    const button = this.#make("button", "button plain square", action);
    return this.#withIcon(button, icon, title);
  }

  /**
   * @param {string} icon
   * @param {string} address
   * @param {string} title
   */
  #link(icon, address, title) {
    const link = document.createElement("a");
    link.className = "button plain square";
    link.href = address;
    link.dataset.action = "search";
    return this.#withIcon(link, icon, title);
  }

  /**
   * @param {HTMLElement} element
   * @param {string} icon
   * @param {string} title
   */
  #withIcon(element, icon, title) {
    element.title = title;
    element.setAttribute("aria-label", title);
    const image = document.createElementNS(SVG, "svg");
    image.setAttribute("class", "icon");
    image.setAttribute("aria-hidden", "true");
    const use = document.createElementNS(SVG, "use");
    use.setAttribute("href", `${this.sprite}#${icon}`);
    image.append(use);
    element.append(image);
    return element;
  }

  /**
   * @param {string} key
   * @param {string} action
   * @returns {HTMLElement | null}
   */
  #button(key, action) {
    return this.root.querySelector(`li[data-key="${key}"] [data-action="${action}"]`);
  }

  /** @param {Event} event */
  #onClick(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const key = button?.closest("li")?.dataset.key;
    if (!button || key === undefined) return;
    const { action } = button.dataset;
    if (action === "choose") this.actions.onChoose(key);
    else if (action === "play") this.actions.onPlay(key);
    else this.actions.onDelete?.(key);
  }
}

/**
 * @param {string} kind
 * @param {string} content
 */
function text(kind, content) {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = content;
  return element;
}
