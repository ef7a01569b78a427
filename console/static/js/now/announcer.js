/** Tells screen readers about detections and what plays, in one sentence at a time and not too often. */

const EVERY_MS = 15000;

/** @param {HTMLElement} region a polite live region */
export function makeAnnouncer(region) {
  /** @type {Map<string, number>} */
  const heard = new Map();
  let timer = 0;
  let said = 0;

  function tell() {
    timer = 0;
    if (!heard.size) return;
    said = Date.now();
    const parts = [...heard].map(([name, count]) => (count > 1 ? `${count} times ${name}` : name));
    region.textContent = `Detected: ${parts.slice(0, 5).join(", ")}${parts.length > 5 ? " and others" : ""}.`;
    heard.clear();
  }

  return {
    /** @param {string} name a class that was detected */
    detected(name) {
      heard.set(name, (heard.get(name) ?? 0) + 1);
      timer ||= window.setTimeout(tell, Math.max(1000, said + EVERY_MS - Date.now()));
    },
    /** @param {string} text what the visitor has just brought about */
    say(text) {
      said = Date.now();
      region.textContent = text;
    },
  };
}
