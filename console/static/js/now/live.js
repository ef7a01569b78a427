import { followEvents } from "../live-events.js";

/**
 * The connection that brings what is heard. It is closed while nobody looks at the page, and resumed.
 *
 * @typedef {{name: string, probability: number, is_detected: boolean}} ClassProbability
 * @typedef {{port: string, level_dbfs: number | null, time: string | null, classes: ClassProbability[],
 *   has_gap: boolean}} LiveChannel
 * @typedef {{id: string, is_open: boolean, source: string, channel: string, path: string[], start: string,
 *   end: string, probability: number}} LiveDetection
 * @typedef {{time: string, layout: string, remarks: string[], channels: LiveChannel[],
 *   detections: LiveDetection[]}} LiveUpdate
 */

/**
 * Receive updates for as long as the page is shown, or `isNeeded`.
 * @param {string} address where the events come from
 * @param {{onUpdate: (update: LiveUpdate) => void, onAway: () => void, isNeeded: () => boolean,
 *   onSpectrogram?: (event: import("./channel-spectrograms.js").SpectrogramEvent) => void}} handlers
 */
export function followLive(address, { onUpdate, onSpectrogram = () => {}, onAway, isNeeded }) {
  return followEvents(address, { handlers: { live: onUpdate, spectrogram: onSpectrogram }, onAway, isNeeded });
}
