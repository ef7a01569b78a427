// The page of the microphone: streams it to the node, draws its spectrogram, and shows what is heard in it.

import { showClasses } from "../now/channels.js";
import { makeFeed } from "../now/feed.js";
import { followLive } from "../now/live.js";
import { makeScroll } from "../now/spectrogram.js";
import { DeviceError, isSecure, openDevice } from "./device.js";
import { makeUplink } from "./uplink.js";

/** @typedef {import("../now/live.js").LiveUpdate} LiveUpdate */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @returns {T}
 */
const element = (id) => /** @type {T} */ (document.getElementById(id));

const page = element("microphone");
const { api = "", events = "", csrf = "", capture = "", zone = "UTC" } = page.dataset;
const start = /** @type {HTMLButtonElement} */ (element("start"));
const stop = /** @type {HTMLButtonElement} */ (element("stop"));
const keep = /** @type {HTMLInputElement} */ (element("keep"));
const canvas = /** @type {HTMLCanvasElement} */ (element("spectrogram"));
const feed = makeFeed(element("detections"), element("nothing"), zone);

/** @type {(() => void) | null} */
let end = null;
/** @type {string | null} */
let port = null;

/**
 * @param {string} words
 * @param {string} tone
 */
function showState(words, tone = "") {
  element("state").textContent = words;
  element("state").className = `state ${tone}`;
}

/** @param {string | null} message */
function showProblem(message) {
  element("problem").hidden = message === null;
  element("problem-text").textContent = message ?? "";
}

/** @param {string | null} message why it has stopped */
function stopped(message = null) {
  end?.();
  end = null;
  port = null;
  start.hidden = false;
  start.disabled = !isSecure();
  stop.hidden = true;
  keep.disabled = false;
  element("level").textContent = "no level";
  showState("Stopped");
  showProblem(message);
}

async function begin() {
  start.disabled = true;
  keep.disabled = true;
  showProblem(null);
  showState("Waiting for the microphone");
  /** @type {ReturnType<typeof makeUplink> | null} */
  let uplink = null;
  const device = await openDevice(capture, {
    onPacket: ({ pcm, level_dbfs }) => {
      element("level").textContent = `${level_dbfs.toFixed(0).replace("-", "−")} dBFS`;
      if (uplink) element("lost").textContent = `${uplink.lost_s.toFixed(1)} s`;
      uplink?.send(pcm);
    },
    onEnd: () => stopped("The microphone was disconnected."),
  });
  const analyser = new AnalyserNode(device.context, makeScroll.analysis);
  device.input.connect(analyser);
  const scroll = makeScroll(canvas, () => false);
  scroll.start(device.context, analyser);
  showState("Connecting");
  uplink = makeUplink(
    { api, csrf, rate_hz: device.context.sampleRate, isKept: keep.checked },
    {
      onBegin: (begun) => {
        port = begun;
        element("where").textContent = `It is ${begun} of the node, and ends when you leave this page.`;
      },
      onState: (state) => {
        showState("Streaming", "good");
        showProblem(state.problem);
        element("sent").textContent = `${state.received_s.toFixed(1)} s`;
        element("gaps").textContent = state.gaps ? `${state.gaps} (${state.gap_s.toFixed(1)} s)` : "0";
      },
      onTrouble: (message) => {
        showState("Trying again", "warn");
        showProblem(message);
      },
      onFatal: (message) => stopped(message),
    },
  );
  end = () => {
    scroll.stop();
    device.stop();
    uplink?.end();
  };
  start.hidden = true;
  stop.hidden = false;
  stop.focus();
}

/** @param {LiveUpdate} update */
function onUpdate(update) {
  const own = update.channels.find((channel) => channel.port === port);
  if (own) showClasses(element("classes"), own);
  if (port) feed.show(update.detections.filter((detection) => detection.channel === port));
}

element("insecure").hidden = isSecure();
start.disabled = !isSecure();
start.addEventListener("click", () => {
  begin().catch((error) => {
    stopped(error instanceof DeviceError ? error.message : `This page has failed: ${error.message}`);
  });
});
stop.addEventListener("click", () => {
  stopped();
  start.focus();
});
window.addEventListener("pagehide", () => stopped());
followLive(events, { onUpdate, onAway: () => {}, isNeeded: () => end !== null });
