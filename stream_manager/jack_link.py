"""What the JACK agent and its parent agree on.

The agent writes one line a fact: `=44100` (connected, at this rate), `+PORT`, `-PORT`, and an empty line that ends a
burst of them and is a sign of life.
"""

from __future__ import annotations

from typing import Final

SIGN_OF_LIFE_S: Final = 0.5
SILENCE_S: Final = 15.0
"""An agent that gives no sign of life for so long hangs. A busy server may keep it waiting for some seconds."""

EXIT_NO_SERVER: Final = 3
EXIT_SERVER_GONE: Final = 4
