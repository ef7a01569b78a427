/** The microphone of this device, as packets of 16-bit PCM and as a node of an audio context. */

const REFUSALS = {
  NotAllowedError: "The browser refuses the microphone. Allow it for this page in the settings of the browser, then start again.",
  NotFoundError: "No microphone was found. Connect one, then start again.",
  NotReadableError: "The microphone cannot be read. Another program may be using it.",
};
const UNPROCESSED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };

/** An error whose message is for people. */
export class DeviceError extends Error {}

/** Whether browsers give the microphone to this page. */
export function isSecure() {
  return window.isSecureContext && "mediaDevices" in navigator && "AudioWorkletNode" in window;
}

/**
 * Open the microphone.
 * @param {string} capture address of the code that collects packets
 * @param {{onPacket: (packet: {pcm: ArrayBuffer, level_dbfs: number}) => void, onEnd: () => void}} handlers
 *   `onPacket` is called ten times per second, `onEnd` if the microphone is taken away
 * @returns {Promise<{context: AudioContext, input: AudioNode, stop: () => void}>} rejects with a DeviceError
 */
export async function openDevice(capture, { onPacket, onEnd }) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: UNPROCESSED }).catch((error) => {
    const name = /** @type {keyof typeof REFUSALS} */ (error.name);
    throw new DeviceError(REFUSALS[name] ?? `The microphone cannot be opened: ${error.message}`);
  });
  const context = new AudioContext();
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
    context.close();
  };
  try {
    await context.audioWorklet.addModule(capture);
    const collector = new AudioWorkletNode(context, "capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    collector.port.onmessage = ({ data }) => onPacket(data);
    const input = context.createMediaStreamSource(stream);
    input.connect(collector);
    stream.getAudioTracks()[0].addEventListener("ended", onEnd);
    await context.resume();
    return { context, input, stop };
  } catch (error) {
    stop();
    throw error;
  }
}
