// What a view has to know of its page: its size, the theme, and whether it is seen. All end with a signal.

/**
 * @param {Element} element
 * @param {() => void} then when its size changes
 * @param {AbortSignal} signal
 */
export function onResize(element, then, signal) {
  const observer = new ResizeObserver(then);
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect());
}

/**
 * @param {() => void} then when the page becomes light or dark
 * @param {AbortSignal} signal
 */
export function onTheme(then, signal) {
  const observer = new MutationObserver(then);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => observer.disconnect());
}

/**
 * @param {Element} element
 * @param {() => void} then when it is seen for the first time
 * @param {AbortSignal} signal
 */
export function onceSeen(element, then, signal) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    then();
  });
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect());
}
