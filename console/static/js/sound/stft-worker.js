// The worker that computes spectrograms, so that pages stay smooth. It keeps the samples of each sound.

import { spectrogram } from "./stft.js";

/** @type {Map<number, Float32Array>} */
const sounds = new Map();

self.addEventListener("message", ({ data }) => {
  if (data.kind === "add") sounds.set(data.sound, data.samples);
  else if (data.kind === "remove") sounds.delete(data.sound);
  else {
    const samples = sounds.get(data.sound);
    if (!samples) return;
    const levels = spectrogram(samples, data.request);
    self.postMessage({ sound: data.sound, number: data.number, levels }, { transfer: [levels.buffer] });
  }
});
