"""How findings are printed: one line each, coloured on a terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedhub.release.findings import Finding


def print_findings(findings: Sequence[Finding]) -> None:
    """Print what was found."""
    from fedhub.release.report import lines

    # https://no-color.org: any value that is not empty
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for state, rest, colour in lines(findings):
        typer.echo((typer.style(state, fg=colour) if colours and colour else state) + rest)
