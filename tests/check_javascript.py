"""`python -m tests.check_javascript`: check the JSDoc types of the console with TypeScript, if Node is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.node_packages import node_packages
from tidzam import terminal

PROJECT: Final = Path(__file__).parent / "javascript"


def main() -> int:
    """The exit code: 0 if there are no errors, or no Node."""
    if not (shutil.which("node") and shutil.which("npm")):
        terminal.say("types of JavaScript are not checked: node and npm are not installed", program="tidzam")
        return 0
    folder = node_packages(PROJECT)
    argv = ["node", str(folder / "node_modules" / "typescript" / "bin" / "tsc"), "--project", str(folder)]
    return subprocess.run(argv, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
