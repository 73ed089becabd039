"""What a hub writes into its log.

Hides: JupyterHub's and tornado's loggers, their levels, and the visitor's own lines.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def listening() -> Iterator[list[str]]:
    """All that is logged, at every level, as it would be written."""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not record.name.startswith("http"):  # the visitor's own
                lines.append(logging.Formatter().format(record))

    ear = Ear()
    named = ["", "JupyterHub", "tornado.general", "tornado.application", "tornado.access"]
    before = [(log, log.level) for log in map(logging.getLogger, named)]
    try:
        for log, _ in before:
            log.addHandler(ear)
            log.setLevel(logging.DEBUG)
        yield lines
    finally:
        for log, level in before:
            log.removeHandler(ear)
            log.setLevel(level)
