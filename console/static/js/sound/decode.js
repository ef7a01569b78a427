// Reading sound files at their own sample rate. Browsers would resample them, and lose the calls of bats.

/**
 * @typedef {object} Sound
 * @property {Float32Array<ArrayBuffer>} samples the mean of all channels
 * @property {number} rateHz
 */

/**
 * Decode WAV, FLAC, or another format that the browser reads.
 * @param {ArrayBuffer} data
 * @returns {Promise<Sound>}
 */
export async function decode(data) {
  const wav = readWav(new DataView(data));
  if (wav) return wav;
  const rateHz = flacRate(new DataView(data)) ?? 48000;
  let context;
  try {
    context = new OfflineAudioContext(1, 1, rateHz);
  } catch {
    context = new OfflineAudioContext(1, 1, 48000); // the browser does not support the rate
  }
  const buffer = await context.decodeAudioData(data);
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel));
  return { samples: mean(channels), rateHz: buffer.sampleRate };
}

/**
 * The sample rate in the header of a FLAC file (RFC 9639, STREAMINFO).
 * @param {DataView} view
 */
function flacRate(view) {
  if (view.byteLength < 42 || view.getUint32(0) !== 0x664c6143) return null;
  return (view.getUint32(18) >>> 12) || null;
}

/**
 * A WAV file with integers of 16 or 24 bits, or floating-point numbers; null if it is no such file.
 * @param {DataView} view
 * @returns {Sound | null}
 */
function readWav(view) {
  if (view.byteLength < 44 || view.getUint32(0) !== 0x52494646 || view.getUint32(8) !== 0x57415645) return null;
  let format = 0;
  let channels = 1;
  let rateHz = 0;
  let bits = 0;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    const kind = view.getUint32(at);
    if (kind === 0x666d7420) {
      format = view.getUint16(at + 8, true);
      channels = view.getUint16(at + 10, true);
      rateHz = view.getUint32(at + 12, true);
      bits = view.getUint16(at + 22, true);
      if (format === 0xfffe) format = view.getUint16(at + 32, true);
    } else if (kind === 0x64617461) {
      const read = sampleReader(view, format, bits);
      if (!read || !rateHz || !channels) return null;
      const frameBytes = (channels * bits) / 8;
      const frames = Math.floor(Math.min(size, view.byteLength - at - 8) / frameBytes);
      return { samples: readFrames(read, at + 8, frames, channels, bits / 8), rateHz };
    }
    at += 8 + size + (size % 2);
  }
  return null;
}

/**
 * @param {DataView} view
 * @param {number} format
 * @param {number} bits
 * @returns {((at: number) => number) | null}
 */
function sampleReader(view, format, bits) {
  if (format === 1 && bits === 16) return (at) => view.getInt16(at, true) / 32768;
  if (format === 1 && bits === 24) {
    return (at) => ((view.getInt8(at + 2) << 16) | view.getUint16(at, true)) / 8388608;
  }
  return format === 3 && bits === 32 ? (at) => view.getFloat32(at, true) : null;
}

/**
 * @param {(at: number) => number} read
 * @param {number} start
 * @param {number} frames
 * @param {number} channels
 * @param {number} bytes
 */
function readFrames(read, start, frames, channels, bytes) {
  const samples = new Float32Array(frames);
  for (let frame = 0, at = start; frame < frames; frame++) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++, at += bytes) sum += read(at);
    samples[frame] = sum / channels;
  }
  return samples;
}

/**
 * @param {Float32Array<ArrayBuffer>[]} channels
 * @returns {Float32Array<ArrayBuffer>}
 */
function mean(channels) {
  if (channels.length === 1) return channels[0];
  return channels[0].map((_, frame) => channels.reduce((sum, channel) => sum + channel[frame], 0) / channels.length);
}
