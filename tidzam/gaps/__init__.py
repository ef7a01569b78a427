"""The gap ledger: when sources were loaded, when their channels had no valid audio and why, and what was heard.

`ledger` is written by the stream manager and by the analyzer, `report` reads what they wrote. The other modules are
pure, except for `day_files`, which reads and writes the files.
"""

from tidzam.gaps.ledger import GapLedger
from tidzam.gaps.records import ALL, Gap, GapReason

__all__ = ["ALL", "Gap", "GapLedger", "GapReason"]
