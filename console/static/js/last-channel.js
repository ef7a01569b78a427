// The channel that was used last in this browser, with which pages about the sound of a channel begin.

const KEY = "tidzam-channel";

/**
 * The channel that was used last, if it is one of those that there are.
 * @param {readonly string[]} channels
 * @returns {string | null}
 */
export function lastChannel(channels) {
  try {
    const channel = window.localStorage.getItem(KEY);
    return channel !== null && channels.includes(channel) ? channel : null;
  } catch {
    return null; // the browser keeps nothing
  }
}

/** @param {string} channel */
export function rememberChannel(channel) {
  try {
    window.localStorage.setItem(KEY, channel);
  } catch {
    // the browser keeps nothing
  }
}
