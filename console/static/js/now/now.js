/** The page Now: joins what comes from the node with the channels, the detections and the player. */

import { isForPage } from "../keyboard.js";
import { makeAnnouncer } from "./announcer.js";
import { makeChannelSpectrograms } from "./channel-spectrograms.js";
import { showChannel } from "./channels.js";
import { makeFeed } from "./feed.js";
import { makeHours } from "./hours.js";
import { followLive } from "./live.js";
import { makePlayer } from "./player.js";
import { makeSpectrogram } from "./spectrogram.js";

/** @typedef {import("./live.js").LiveUpdate} LiveUpdate */

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const page = part("now");
const channels = part("channels");
const { events = "", channels: fragment = "", hours: hoursFragment = "", listen = "", codec = "", zone = "UTC", sprite = "" } = page.dataset;

const announcer = makeAnnouncer(part("announcer"));
const feed = makeFeed(part("feed"), part("feed-empty"), zone);
const model = /** @type {HTMLSelectElement | null} */ (document.getElementById("hours-model"));
const hours = makeHours(part("hours"), model, hoursFragment);
/** @type {Map<string, import("./live.js").LiveChannel>} */
const known = new Map();
/** @type {Set<string>} */
const seen = new Set();
let isFirst = true;
let isLoading = false;

const player = makePlayer({
  address: (mount, format) => `${listen}${encodeURIComponent(mount)}?format=${format}`,
  codec,
  onChange(playing, state) {
    showPlaying();
    part("listening").hidden = !playing;
    if (playing && !isShown) spectrogram.start();
    if (!playing) spectrogram.stop();
    isShown = playing !== null;
    part("listening-head").textContent = playing?.name ?? "";
    part("listening-state").textContent = state;
  },
});

const spectrogram = makeSpectrogram(/** @type {HTMLCanvasElement} */ (part("spectrogram")), player.audio);
let isShown = false;

/** Show which channel plays, on its button. */
function showPlaying() {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (channels.querySelectorAll(".listen"))) {
    const isPlaying = button.dataset.mount === player.playing?.mount;
    button.setAttribute("aria-pressed", String(isPlaying));
    button.querySelector("use")?.setAttribute("href", `${sprite}#${isPlaying ? "stop" : "play"}`);
  }
}

/**
 * @param {readonly string[]} remarks
 */
function showRemarks(remarks) {
  const shown = remarks.map((remark) => {
    const made = document.createElement("p");
    made.className = "message warn";
    made.textContent = remark;
    return made;
  });
  part("remarks").replaceChildren(...shown);
  const state = part("live-state");
  state.textContent = remarks.length ? "Not all programs work" : "Live";
  state.className = remarks.length ? "state warn" : "state good";
}

/** Load the channels again: there are others. */
async function loadChannels() {
  if (isLoading) return;
  isLoading = true;
  try {
    const answer = await fetch(fragment);
    if (!answer.ok || answer.redirected) return;
    const focused = document.activeElement?.getAttribute("data-mount");
    channels.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.children);
    for (const channel of known.values()) showChannel(channels, channel);
    showPlaying();
    spectrograms.find();
    if (focused) /** @type {HTMLElement | null} */ (channels.querySelector(`[data-mount="${focused}"]`))?.focus();
  } catch {
    // the console is away; the next update tries it again
  } finally {
    isLoading = false;
  }
}

/** @param {LiveUpdate} update */
function onUpdate(update) {
  showRemarks(update.remarks);
  for (const channel of update.channels) {
    known.set(channel.port, channel);
    showChannel(channels, channel);
  }
  feed.show(update.detections);
  for (const detection of update.detections) {
    if (!isFirst && !seen.has(detection.id)) {
      announcer.detected(detection.path.at(-1) ?? "");
      hours.detected();
    }
    seen.add(detection.id);
  }
  isFirst = false;
  const layout = /** @type {HTMLElement | null} */ (channels.querySelector("[data-layout]"))?.dataset.layout;
  if (layout !== update.layout) loadChannels();
}

function onAway() {
  const state = part("live-state");
  state.textContent = "The console does not answer";
  state.className = "state bad";
}

channels.addEventListener("click", (event) => {
  const button = /** @type {Element} */ (event.target).closest(".listen");
  if (!(button instanceof HTMLElement)) return;
  const { mount = "", name = "" } = button.dataset;
  if (player.playing?.mount === mount) player.stop();
  else player.play({ mount, name });
});

channels.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const buttons = /** @type {HTMLElement[]} */ ([...channels.querySelectorAll(".listen")]);
  const at = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (!step || at < 0) return;
  event.preventDefault();
  buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]?.focus();
});

part("stop").addEventListener("click", () => {
  const mount = player.playing?.mount ?? "";
  player.stop();
  /** @type {HTMLElement | null} */ (channels.querySelector(`[data-mount="${CSS.escape(mount)}"]`))?.focus();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && player.playing && isForPage(event)) player.stop();
});

/** @type {((address: string) => void) | null} */
let follow = null;
let followed = "";
/** @type {string[]} the channels whose spectrograms are seen */
let seenPorts = [];

/** Receive what the page shows: without spectrograms while it plays in the background. */
function ask() {
  const ports = document.hidden ? [] : seenPorts;
  const address = `${events}?${new URLSearchParams(ports.map((port) => ["spectrogram", port]))}`;
  if (address === followed) return;
  followed = address;
  const handlers = { onUpdate, onSpectrogram: spectrograms.show, onAway, isNeeded: () => player.playing !== null };
  if (follow) follow(address);
  else follow = followLive(address, handlers);
}

const spectrograms = makeChannelSpectrograms(channels, (ports) => {
  seenPorts = ports;
  ask();
});

document.addEventListener("visibilitychange", () => {
  if (player.playing || !document.hidden) ask();
});
