"""The browser of the tests: Chromium without what only a window needs, which takes half of the processor time."""

CHROMIUM = "/usr/bin/chromium-headless-shell"
