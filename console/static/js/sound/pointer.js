// Mouse, touch and wheel over the spectrogram: seek, select, move and resize the selection, pan and zoom.

import { between, movedBox, resizedBox } from "./box.js";
import { hzAt, limited, moved, timeAt, zoomed } from "./view.js";

/** @typedef {import("./sound-view.js").SoundView} SoundView */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./box.js").Box} Box */
/** @typedef {{ timeS: number, hz: number }} Point */
/** @typedef {{ to: (event: PointerEvent) => void, done: (event: PointerEvent) => void }} Drag */

const CLICK_PX = 4;
const WHEEL = 0.002;
const LINE_PX = 16;

export class Pointer {
  /** @type {Map<number, PointerEvent>} */
  #down = new Map();
  /** @type {Drag | null} */
  #drag = null;

  /**
   * @param {SoundView} view
   * @param {HTMLElement} stage
   */
  constructor(view, stage) {
    this.owner = view;
    this.stage = stage;
    stage.addEventListener("pointerdown", (event) => this.#begin(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#end(event));
    stage.addEventListener("pointercancel", (event) => this.#cancel(event));
    stage.addEventListener("pointerleave", () => view.readOut(null));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("dblclick", () => view.toggleZoom());
  }

  get isDragging() {
    return this.#drag !== null;
  }

  /**
   * Where an event is, as fractions of the width and of the height from the top.
   * @param {MouseEvent} event
   * @returns {[number, number]}
   */
  #place(event) {
    const { left, top, width, height } = this.stage.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  /**
   * @param {MouseEvent} event
   * @param {View} view
   * @returns {Point}
   */
  #point(event, view) {
    const [x, y] = this.#place(event);
    return { timeS: timeAt(view, x), hz: hzAt(view, y) };
  }

  /** @param {PointerEvent} event */
  #begin(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.button !== 0 || !this.owner.isReady || target.closest("button:not(.sound-region button)")) return;
    this.#down.set(event.pointerId, event);
    this.stage.setPointerCapture(event.pointerId);
    if (this.#down.size === 2) this.#drag = this.#pinch();
    else if (this.#down.size === 1) this.#drag = this.#chosen(event, target);
  }

  /**
   * What a drag that begins here does.
   * @param {PointerEvent} event
   * @param {HTMLElement} target
   * @returns {Drag}
   */
  #chosen(event, target) {
    const isRegion = this.owner.overlay?.grab(target) ?? false;
    const { selection, view, extent, overlay } = this.owner;
    const from = this.#point(event, view);
    const onClick = isRegion ? () => this.owner.focusSelection() : undefined;
    if (selection !== null && (isRegion || target.closest(".sound-selection"))) {
      if (overlay?.isFixed) return this.#select(event, () => selection, { onClick });
      const edges = target.dataset.edges?.split(" ");
      const chosen = Object.fromEntries((edges ?? []).map((edge) => [edge, true]));
      /** @param {Point} to */
      const boxOf = ({ timeS, hz }) =>
        edges
          ? resizedBox(selection, chosen, timeS - from.timeS, hz - from.hz, extent)
          : movedBox(selection, timeS - from.timeS, hz - from.hz, extent);
      return this.#select(event, boxOf, { onClick });
    }
    if (event.pointerType === "touch" && !this.owner.touchSelects) return this.#pan(event, view);
    if (!this.owner.isSelectable) return this.#pan(event, view);
    return this.#select(event, (to) => between(from, to, extent), { onBegin: () => overlay?.release() });
  }

  /**
   * A drag that changes the selection; without a movement it is a click.
   * @param {PointerEvent} begun
   * @param {(to: Point) => Box} boxOf
   * @param {{ onBegin?: () => void, onClick?: () => void }} [options]
   * @returns {Drag}
   */
  #select(begun, boxOf, { onBegin, onClick } = {}) {
    const { view } = this.owner;
    let isDrag = false;
    return {
      to: (event) => {
        if (!isDrag && distance(begun, event) <= CLICK_PX) return;
        if (!isDrag) onBegin?.();
        isDrag = true;
        this.owner.select(boxOf(this.#point(event, view)), { isFinal: false });
      },
      done: (event) => {
        if (isDrag) this.owner.select(boxOf(this.#point(event, view)));
        else if (onClick) onClick();
        else this.#click(event);
      },
    };
  }

  /**
   * @param {PointerEvent} begun
   * @param {View} view
   * @returns {Drag}
   */
  #pan(begun, view) {
    let isDrag = false;
    const [fromX, fromY] = this.#place(begun);
    return {
      to: (event) => {
        isDrag ||= distance(begun, event) > CLICK_PX;
        const [x, y] = this.#place(event);
        if (isDrag) this.owner.show(moved(view, this.owner.extent, { time: fromX - x, frequency: y - fromY }));
      },
      done: (event) => {
        if (!isDrag) this.#click(event);
      },
    };
  }

  /**
   * Two fingers: the points of the sound that they touched first stay under them.
   * @returns {Drag}
   */
  #pinch() {
    const { view, extent } = this.owner;
    const [a, b] = [...this.#down.values()].map((event) => this.#place(event));
    const to = () => {
      const [c, d] = [...this.#down.values()].map((event) => this.#place(event));
      const spread = Math.hypot(c[0] - d[0], c[1] - d[1]) / Math.max(0.01, Math.hypot(a[0] - b[0], a[1] - b[1]));
      const isFlat = Math.abs(a[0] - b[0]) > 2 * Math.abs(a[1] - b[1]);
      const isSteep = Math.abs(a[1] - b[1]) > 2 * Math.abs(a[0] - b[0]);
      const middle = { atS: timeAt(view, (a[0] + b[0]) / 2), atHz: hzAt(view, (a[1] + b[1]) / 2) };
      const found = zoomed(view, extent, { time: isSteep ? 1 : spread, frequency: isFlat ? 1 : spread, ...middle });
      const shift = (a[0] + b[0] - c[0] - d[0]) / 2;
      this.owner.show(moved(found, extent, { time: shift }));
    };
    return { to, done: () => {} };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.owner.isReady) return;
    this.owner.readOut(this.#place(event));
    if (!this.#down.has(event.pointerId)) return;
    this.#down.set(event.pointerId, event);
    this.#drag?.to(event);
  }

  /** @param {PointerEvent} event */
  #end(event) {
    if (this.#down.delete(event.pointerId)) this.#drag?.done(event);
    if (!this.#down.size) this.#drag = null;
    else this.#drag = { to: () => {}, done: () => {} }; // one finger of two was lifted
  }

  /** @param {PointerEvent} event */
  #cancel(event) {
    this.#down.delete(event.pointerId);
    this.#drag = null;
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const point = this.#point(event, this.owner.view);
    this.owner.focusStage();
    if (this.owner.overlay?.click(point)) this.owner.focusSelection();
    this.owner.playback.seek(point.timeS);
  }

  /**
   * With Ctrl, or while the spectrogram has the focus, the wheel zooms in time, with Alt in frequency, and with Shift
   * it pans. Otherwise it scrolls the page.
   * @param {WheelEvent} event
   */
  #wheel(event) {
    if (!this.owner.isReady) return;
    const { view, extent } = this.owner;
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE_PX;
    const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.owner.show(moved(view, extent, { time: (sideways * unit) / this.stage.clientWidth }));
      return;
    }
    if (!event.ctrlKey && !event.altKey && !this.owner.hasFocus) return;
    event.preventDefault();
    const factor = Math.exp(-event.deltaY * unit * WHEEL * (event.ctrlKey ? 3 : 1));
    const { timeS, hz } = this.#point(event, view);
    const zoom = event.altKey ? { frequency: factor, atHz: hz } : { time: factor, atS: timeS };
    this.owner.show(limited(zoomed(view, extent, zoom), extent));
  }
}

/**
 * @param {MouseEvent} a
 * @param {MouseEvent} b
 */
function distance(a, b) {
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
}
