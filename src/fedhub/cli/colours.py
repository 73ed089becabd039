"""Whether what a command prints has colours."""

from __future__ import annotations

import os
import sys


def on_stdout() -> bool:
    """Return whether stdout takes colours: a terminal whose owner wants them."""
    # https://no-color.org: any value that is not empty
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
