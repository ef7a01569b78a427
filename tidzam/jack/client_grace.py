"""How long a process with a JACK client may take to end: the rule for everything that ends such a process.

jackd serves the requests of all clients one after the other. A client that is killed while it opens, or whose opening
is interrupted, costs the others: jackd waits up to 2 s for its answer, and clients that exist keep the semaphore of the
one that was killed. A later client with the same number is then never woken by them (jack2, issue 721). So:

- A process that may be opening or closing its client gets SIGTERM, and SIGKILL only after CLIENT_GRACE_S.
- At SIGTERM, it finishes opening its client, closes it, and ends.
- A disposable process that only asks the server something is not killed at all. It is left behind when its answer is
  late, and ends by itself as soon as the server has answered or is gone.
- A process that hangs with an open client, and one whose server is gone, may be killed at once.
"""

from __future__ import annotations

from typing import Final

CLIENT_GRACE_S: Final = 12.0
"""The time limits of jackd 1.9 for opening a client: 5 s until its next cycle, 2 s for an answer of the new client; and
as much as that again for another client whose turn it is. Closing one takes two cycles."""
