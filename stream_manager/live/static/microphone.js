// The microphone of this device as packets of 16-bit PCM.

const REFUSALS = {
  NotAllowedError:
    "The browser refuses the microphone. Allow it for this page in the browser's settings, then start again.",
  NotFoundError: "No microphone was found. Connect one, then start again.",
  NotReadableError: "The microphone cannot be read. Another program may be using it.",
};
const INSECURE =
  "Browsers allow the microphone only on secure pages. Open this page over https, or at http://localhost on the " +
  "machine of the node itself.";
const UNPROCESSED = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };

/** An error whose message is meant for the user. */
export class UserError extends Error {}

/** Open the microphone, and call `onPacket({pcm, levelDbfs})` ten times per second. Rejects with a UserError. */
export async function openMicrophone(onPacket, onEnded) {
  if (!window.isSecureContext || !navigator.mediaDevices || !window.AudioWorkletNode) {
    throw new UserError(window.isSecureContext ? "This browser cannot record audio. Use a current one." : INSECURE);
  }
  const stream = await navigator.mediaDevices.getUserMedia({ audio: UNPROCESSED }).catch((error) => {
    throw new UserError(REFUSALS[error.name] ?? `The microphone cannot be opened: ${error.message}`);
  });
  const context = new AudioContext();
  const stop = () => {
    stream.getTracks().forEach((track) => track.stop());
    return context.close();
  };
  try {
    await context.audioWorklet.addModule(new URL("capture.js", import.meta.url));
    const capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    capture.port.onmessage = ({ data }) => onPacket(data);
    context.createMediaStreamSource(stream).connect(capture);
    stream.getAudioTracks()[0].addEventListener("ended", onEnded);
    await context.resume();
  } catch (error) {
    await stop();
    throw error;
  }
  return { sampleRate: context.sampleRate, stop };
}
