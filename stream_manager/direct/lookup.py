"""`python -m stream_manager.direct.lookup`: what an address leads to, as the stream manager looks it up.

The address is read from standard input, as any user can read command lines. It is looked up in a process of its own,
since what that needs (an HTTP client) takes as much memory as all else of a recorder.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Final

from stream_manager.direct.inputs import InputError

_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class FoundMedia:
    """What an address leads to: the address to open, and its audio. `has_own_clock` as in `Media`."""

    url: str
    channels: int
    rate_hz: int
    has_own_clock: bool


def look_up(address: str) -> FoundMedia:
    """Look up an address in a process of its own. Raises InputError."""
    argv = ["setpriv", "--pdeathsig=KILL", "--", sys.executable, "-P", "-m", __name__]
    try:
        done = subprocess.run(
            argv, input=address.encode(), capture_output=True, timeout=_TIMEOUT_S, process_group=0, check=False
        )
        found = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise InputError(f"the address did not answer within {_TIMEOUT_S:.0f} s") from None
    except (OSError, ValueError) as error:
        raise InputError(f"the address cannot be looked up: {error}") from error
    if "failure" in found:
        raise InputError(found["failure"])
    return FoundMedia(**found)


def main() -> int:
    from stream_manager.faults import PlaybackError
    from stream_manager.network.address import parse_address
    from stream_manager.players.media_lookup import locate_audio
    from tidzam.errors import TidzamError

    try:
        media = asyncio.run(locate_audio(parse_address(sys.stdin.read()).url, {}, None))
    except (PlaybackError, TidzamError) as error:
        print(json.dumps({"failure": str(error)}))
        return 1
    print(json.dumps(asdict(FoundMedia(media.url, media.channels, media.rate_hz, media.has_own_clock))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
