// Playing the sound of a view, its selection, and the band of it: the state behind the buttons.

import { SoundPlayer } from "./player.js";

/** @typedef {import("./sound-view.js").SoundView} SoundView */
/** @typedef {import("./decode.js").Sound} Sound */

const TARGET_DB = -1;
const MOST_GAIN_DB = 60;

export class Playback {
  /** @type {SoundPlayer | null} */
  player = null;
  isBandOnly = true;
  /** @type {Sound | null} */
  #sound = null;
  #frame = 0;

  /** @param {SoundView} owner */
  constructor(owner) {
    this.owner = owner;
  }

  get isPlaying() {
    return this.player !== null && !this.player.paused;
  }

  get isLooping() {
    return this.player?.loop ?? false;
  }

  get speed() {
    return this.player?.playbackRate ?? 1;
  }

  get gainDb() {
    return this.player?.gainDb ?? 0;
  }

  get timeS() {
    return this.player?.currentTime ?? 0;
  }

  /**
   * @param {Sound} sound
   * @returns {SoundPlayer}
   */
  open(sound) {
    this.#sound = sound;
    const player = new SoundPlayer(sound.samples, sound.rateHz);
    player.addEventListener("timeupdate", () => this.owner.onTime());
    player.addEventListener("play", () => this.#run());
    player.addEventListener("pause", () => this.owner.controls?.update());
    this.player = player;
    return player;
  }

  close() {
    cancelAnimationFrame(this.#frame);
    this.player?.close();
    this.player = null;
    this.#sound = null;
  }

  #run() {
    this.owner.controls?.update();
    const step = () => {
      this.owner.followPlayhead();
      if (this.isPlaying) this.#frame = requestAnimationFrame(step);
    };
    step();
  }

  /** @param {number} timeS */
  seek(timeS) {
    if (this.player) this.player.currentTime = timeS;
    this.owner.followPlayhead();
  }

  /** Play from the current time to the end. */
  play() {
    void this.player?.playAll();
  }

  pause() {
    this.player?.pause();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  /** Play the selection, and of it only the band if that is chosen. */
  playSelection() {
    const box = this.owner.selection;
    if (box) void this.player?.playPart(box.startS, box.endS, this.isBandOnly ? box : null);
  }

  /** @param {boolean} isOn */
  setBandOnly(isOn) {
    this.isBandOnly = isOn;
    this.owner.controls?.update();
  }

  /** @param {boolean} isOn */
  setLoop(isOn) {
    if (this.player) this.player.loop = isOn;
    this.owner.controls?.update();
  }

  /** @param {number} speed */
  setSpeed(speed) {
    if (this.player) this.player.playbackRate = speed;
    this.owner.controls?.update();
  }

  /** @param {number} db */
  setGain(db) {
    if (this.player) this.player.gainDb = db;
    this.owner.controls?.update();
  }

  /** Bring the loudest part of the selection, or of all, near to full scale. */
  normalize() {
    if (!this.#sound) return;
    const { samples, rateHz } = this.#sound;
    const { startS, endS } = this.owner.selection ?? { startS: 0, endS: samples.length / rateHz };
    let peak = 0;
    for (let at = Math.floor(startS * rateHz); at < Math.min(samples.length, endS * rateHz); at++) {
      peak = Math.max(peak, Math.abs(samples[at]));
    }
    this.setGain(peak > 0 ? Math.min(MOST_GAIN_DB, TARGET_DB - 20 * Math.log10(peak)) : 0);
  }
}
