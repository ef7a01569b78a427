/** Plays one channel at a time, and goes on when its sound returns after an interruption. */

const RETRY_MS = 3000;

/**
 * @typedef {{mount: string, name: string}} Playing what plays: the mount and its name for people
 *
 * @param {{address: (mount: string, format: string) => string, codec: string, onChange: (playing: Playing | null, state: string) => void}} options
 */
export function makePlayer({ address, codec, onChange }) {
  const audio = new Audio();
  const format = audio.canPlayType(`audio/ogg; codecs="${codec}"`) ? "ogg" : "mp3";
  audio.preload = "none";
  /** @type {Playing | null} */
  let playing = null;
  let timer = 0;
  const title = document.title;

  /** @param {string} state */
  function changed(state) {
    document.title = playing ? `▶ ${playing.name} · ${title}` : title;
    if ("mediaSession" in navigator) {
      navigator.mediaSession.metadata = playing ? new MediaMetadata({ title: playing.name, artist: title }) : null;
      navigator.mediaSession.playbackState = playing ? "playing" : "none";
    }
    onChange(playing, state);
  }

  function connect() {
    if (!playing) return;
    audio.src = `${address(playing.mount, format)}&at=${Date.now()}`;
    audio.play().catch((error) => {
      if (error.name === "NotAllowedError") stop();
      // any other failure is an error of the element, too
    });
  }

  function interrupted() {
    if (!playing) return;
    window.clearTimeout(timer);
    changed("Its sound was interrupted. Trying again.");
    timer = window.setTimeout(connect, RETRY_MS);
  }

  /** @param {Playing} wanted */
  function play(wanted) {
    window.clearTimeout(timer);
    playing = wanted;
    changed("Connecting");
    connect();
  }

  function stop() {
    window.clearTimeout(timer);
    playing = null;
    audio.pause();
    audio.removeAttribute("src");
    audio.load(); // ends the connection
    changed("");
  }

  audio.addEventListener("playing", () => changed("Live"));
  audio.addEventListener("ended", interrupted);
  audio.addEventListener("error", () => audio.getAttribute("src") && interrupted());
  audio.addEventListener("pause", () => {
    if (playing && !audio.ended && !audio.error && audio.getAttribute("src")) stop(); // by the keys of a headset
  });
  if ("mediaSession" in navigator) {
    for (const action of /** @type {MediaSessionAction[]} */ (["stop", "pause"])) {
      navigator.mediaSession.setActionHandler(action, stop);
    }
  }
  return {
    audio,
    play,
    stop,
    get playing() {
      return playing;
    },
  };
}
