// The page on which sound is annotated: buttons, keys, and what others do meanwhile.

import { Annotator } from "./annotate/annotator.js";
import { onPageKey } from "./annotate/keys.js";
import { dayAfter } from "./annotate/zoned.js";
import { rememberChannel } from "./last-channel.js";
import { followEvents } from "./live-events.js";

/**
 * @param {string} id
 * @returns {any}
 */
const part = (id) => document.getElementById(id);
const ADOPT_MS = 10_000;
const FOLLOW_MS = 10_000;

/** @param {Annotator} annotator */
function watchButtons(annotator) {
  const { place } = annotator;
  /** @type {[string, () => void][]} */
  const actions = [
    ["day-before", () => place.day && void annotator.openDay(dayAfter(place.day, -1))],
    ["day-after", () => place.day && void annotator.openDay(dayAfter(place.day, 1))],
    ["sound-before", () => void annotator.openLoud(-1)],
    ["sound-after", () => void annotator.openLoud(1)],
    ["window-before", () => annotator.moveWindow(-1)],
    ["window-after", () => annotator.moveWindow(1)],
  ];
  for (const [id, action] of actions) part(id).addEventListener("click", action);
  part("channel").addEventListener("change", () => {
    Object.assign(place, { atMs: null, day: null });
    rememberChannel(part("channel").value);
    void annotator.openChannel(part("channel").value);
  });
  part("seconds").value = String(place.lengthS);
  part("seconds").addEventListener("change", () => annotator.setLength(Number(part("seconds").value)));
  window.addEventListener("resize", () => annotator.show());
}

/** @param {Annotator} annotator */
function watchKeys(annotator) {
  const { moment } = annotator;
  const { macro, sound } = moment;
  const view = {
    j: () => void annotator.openLoud(1),
    k: () => void annotator.openLoud(-1),
    ",": () => annotator.moveWindow(-1),
    ".": () => annotator.moveWindow(1),
    "[": () => moment.step(-1),
    "]": () => moment.step(1),
    d: () => moment.detections.toggle(),
    p: () => sound.playback.toggle(),
    Enter: () => macro.play(),
    Escape: () => macro.regions.choose(null),
  };
  const remove = () => macro.chosen !== null && moment.remove(macro.chosen);
  const edit = {
    s: () => sound.isReady && sound.selectHere(),
    t: () => moment.tagBar?.focusField(),
    f: () => macro.regions.toggleBand(),
    u: () => moment.undo(),
    Delete: remove,
    Backspace: remove,
  };
  /** @param {number} number */
  const onNumber = (number) => moment.tagBar?.setNumber(number) ?? false;
  const actions = { view, edit: annotator.isEditable ? edit : null, onNumber };
  document.addEventListener("keydown", (event) => onPageKey(event, actions));
}

/** @param {HTMLElement} root */
function start(root) {
  const annotator = new Annotator(root);
  watchButtons(annotator);
  watchKeys(annotator);
  void annotator.openPlace([...part("channel").options].map(({ value }) => value));
  if (annotator.isEditable) {
    annotator.outbox.adopt();
    window.setInterval(() => annotator.outbox.adopt(), ADOPT_MS);
  }
  window.setInterval(() => void annotator.follow(), FOLLOW_MS);
  followEvents(`${annotator.base}/live/events`, {
    handlers: { annotations: (live) => annotator.annotations.onLive(live) },
    onOpen: (isFirst) => {
      annotator.setAway(false);
      if (!isFirst) void annotator.reload();
    },
    onAway: () => annotator.setAway(true),
  });
}

const page = part("annotator");
if (page) start(page);
