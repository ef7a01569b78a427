/**
 * Light or dark, as the visitor chose; it runs before the page is drawn, so that no page flashes.
 * Without a choice, the page follows the system. `data-theme` of the document is the theme that is shown.
 */
(() => {
  const KEY = "tidzam-theme";
  /** @type {readonly string[]} */
  const THEMES = ["system", "light", "dark"];
  const systemIsDark = window.matchMedia("(prefers-color-scheme: dark)");

  /** @returns {string} */
  function chosen() {
    try {
      const theme = localStorage.getItem(KEY) ?? "system";
      return THEMES.includes(theme) ? theme : "system";
    } catch {
      return "system"; // the browser forbids storage
    }
  }

  /** @param {string} theme */
  function apply(theme) {
    const root = document.documentElement;
    root.dataset.theme = theme === "system" ? (systemIsDark.matches ? "dark" : "light") : theme;
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
      const label = `Colors: ${theme}. Switch to ${next}`;
      button.setAttribute("aria-label", label);
      button.setAttribute("title", label);
      const use = button.querySelector("use");
      const sprite = use?.getAttribute("href")?.split("#")[0];
      use?.setAttribute("href", `${sprite}#${theme === "system" ? "theme" : theme}`);
    }
  }

  apply(chosen());
  systemIsDark.addEventListener("change", () => apply(chosen()));
  document.addEventListener("DOMContentLoaded", () => {
    apply(chosen());
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.addEventListener("click", () => {
        const next = THEMES[(THEMES.indexOf(chosen()) + 1) % THEMES.length];
        try {
          localStorage.setItem(KEY, next);
        } catch {
          // the choice lasts until the next page
        }
        apply(next);
      });
    }
  });
})();
