"""How findings are printed: one line each, coloured on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fedhub.cli import colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedhub.findings import Finding


def print_findings(findings: Sequence[Finding]) -> None:
    """Print what was found."""
    from fedhub.release.report import lines

    coloured = colours.on_stdout()
    for state, rest, colour in lines(findings):
        typer.echo((typer.style(state, fg=colour) if coloured and colour else state) + rest)
