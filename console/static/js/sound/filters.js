// The band-pass filter of playback: steep, so that the call beside the selected one is not heard.

/** The quality factors of the sections of a Butterworth filter of order 8: 48 dB per octave on either side. */
const SECTIONS = [0.5098, 0.6013, 0.9, 2.5629];

/** @typedef {{ lowHz: number, highHz: number }} Band */

/**
 * A chain of filters that pass a band. Edges at 0 Hz or near half the sample rate are left open.
 * @param {BaseAudioContext} context
 * @param {Band} band
 * @returns {{ input: AudioNode, output: AudioNode }}
 */
export function bandPass(context, { lowHz, highHz }) {
  const output = context.createGain();
  /** @type {AudioNode} */
  let first = output;
  /** @type {(type: BiquadFilterType, frequency: number, q: number) => void} */
  const add = (type, frequency, q) => {
    // The Q of low-pass and high-pass filters of Web Audio is in dB.
    const filter = new BiquadFilterNode(context, { type, frequency, Q: 20 * Math.log10(q) });
    filter.connect(first);
    first = filter;
  };
  for (const q of SECTIONS) {
    if (highHz < 0.49 * context.sampleRate) add("lowpass", highHz, q);
    if (lowHz > 1) add("highpass", lowHz, q);
  }
  return { input: first, output };
}
