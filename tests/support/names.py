"""Names that a folder may have, and that some syntax on the way to a program would misread."""

from __future__ import annotations

import os

ODD_NAMES = [
    'it\'s 100% #1; "home" \\ ü',
    " ;#%(here)s %(ENV_HOME)s ",
    "$HOME `id` $(id) * ? ! & | < > ~ [red]x[bold] {y} \\",
    "two\nlines\tand a \x1b[31m color",
    "--not an=option,or,list",
    os.fsdecode(b"not UTF-8: \xff\xe9"),
    "/".join(["deep" * 20] * 4),
]
