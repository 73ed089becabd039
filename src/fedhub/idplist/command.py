"""`fedhub idp search`: from words to institutions on standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from fedhub.errors import FedhubError, UsageError
from fedhub.idplist.entries import Entry
from fedhub.idplist.search import near, search
from fedhub.idplist.show import MANY, json_text, source_line, table, yaml_text
from fedhub.idplist.source import Answer, from_file, institutions


def run(
    text: str,
    *,
    host: str,
    file: Path | None,
    refresh: bool,
    offline: bool,
    hidden: bool,
    output: Literal["text", "yaml", "json"],
) -> int:
    """Search, print what was found on standard output, and say which list answered.

    Args:
        text: what to look for.
        host: whose list.
        file: a list in its place.
        refresh: whether to ask for the list in any case.
        offline: whether never to ask.
        hidden: whether to find hidden ones too.
        output: how to print.

    Returns:
        the exit code: 1 where JSON says that nothing was found.

    Raises:
        UsageError: there is nothing to look for, or the list is no list's place.
        FedhubError: nothing was found.
    """
    if not text.strip():
        raise UsageError("nothing to look for", fix="give a part of the institution's name")
    answer = from_file(file) if file else institutions(host, refresh=refresh, offline=offline)
    found = search(answer.entries, text, hidden=hidden)
    close = [] if found else near(answer.entries, text)
    if output == "json":
        sys.stdout.write(json_text(answer, found, close))
        return 0 if found else 1
    sys.stderr.write(f"{source_line(answer)}\n")
    if not found:
        raise _nothing(text, close, answer)
    if output == "text":
        sys.stdout.write(table(found))
        if len(found) > MANY:
            sys.stderr.write(f"and {len(found) - MANY:,} more; add a word\n")
    if output == "yaml" or len(found) == 1:
        sys.stdout.write(("\n" if output == "text" else "") + yaml_text(found))
    return 0


def _nothing(text: str, close: list[Entry], answer: Answer) -> FedhubError:
    if close:
        fix = f"did you mean {' or '.join(one.name for one in close)}?"
    elif answer.source == "bundled":
        fix = "look at https://cilogon.org/idplist/, or try again where it can be reached"
    else:
        fix = "try another part of its name"
    shown = "".join(sign for sign in text if sign.isprintable())
    return FedhubError(f"no institution has all of “{shown}”", fix=fix)
