// What can be taken back: each entry is how an annotation was before and after an edit; null if there was none. Pure.

/** @typedef {import("./api.js").Content} Content */
/** @typedef {{ key: string, before: Content | null, after: Content | null, timeMs: number }} Step */

const MOST = 200;
const ONE_MOVE_MS = 1500;

/**
 * The steps, with one more. Quick changes of one annotation, such as with the arrow keys, are one step.
 * @param {readonly Step[]} steps
 * @param {Step} step
 * @returns {Step[]}
 */
export function withStep(steps, step) {
  const last = steps.at(-1);
  const isChange = last?.key === step.key && last.before && last.after && step.before && step.after;
  if (last && isChange && step.timeMs - last.timeMs < ONE_MOVE_MS && last.before?.tag === step.after?.tag) {
    return [...steps.slice(0, -1), { ...last, after: step.after, timeMs: step.timeMs }];
  }
  return [...steps, step].slice(-MOST);
}
