// The elements of a sound view, before it has a sound.

import { Layer, make } from "./layer.js";

/** @typedef {ReturnType<typeof buildFrame>} Frame */

/**
 * Fill a sound view with its elements.
 * @param {HTMLElement} root
 */
export function buildFrame(root) {
  const canvas = /** @type {HTMLCanvasElement} */ (make("canvas", "sound-canvas"));
  canvas.setAttribute("aria-hidden", "true");
  const overlay = make("div", "sound-layer");
  const crosshair = make("div", "sound-crosshair");
  crosshair.hidden = true;
  const message = make("p", "sound-message");
  message.setAttribute("role", "status");
  const stage = make("div", "sound-stage");
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  stage.setAttribute("aria-roledescription", "spectrogram");
  stage.setAttribute("aria-label", root.getAttribute("label") ?? "Sound");
  stage.append(canvas, overlay, crosshair, message);
  const title = make("span", "sound-date quiet");
  const readout = make("output", "sound-readout number");
  readout.setAttribute("aria-live", "off");
  const head = make("div", "sound-head small");
  head.append(title, readout);
  const frequencies = make("div", "sound-frequencies number");
  frequencies.setAttribute("aria-hidden", "true");
  const times = make("div", "sound-times number");
  times.setAttribute("aria-hidden", "true");
  const waveform = make("div", "sound-waveform");
  waveform.setAttribute("aria-hidden", "true");
  const chosen = make("p", "sound-chosen small quiet number");
  chosen.setAttribute("aria-live", "polite");
  const controls = make("div", "sound-controls");
  root.replaceChildren(head, make("span", "sound-unit quiet", "kHz"), frequencies, stage, waveform, times, chosen, controls);
  return { canvas, overlay, crosshair, message, stage, title, readout, frequencies, times, waveform, chosen, controls };
}

/**
 * Remove what was drawn of a sound.
 * @param {Frame} frame
 */
export function clearFrame({ canvas, overlay, waveform, frequencies, times, title, readout, chosen }) {
  canvas.width = 1;
  for (const part of [overlay, waveform, frequencies, times, title, readout, chosen]) part.replaceChildren();
}

/**
 * The layer over the spectrogram.
 * @param {Frame} frame
 * @param {import("./layer.js").When} when
 */
export function buildLayer(frame, when) {
  return new Layer(frame.overlay, when);
}
