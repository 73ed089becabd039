"""Write `docs/checks.md` from the docstrings of the rules.

    .venv/bin/python tools/generate_checks_page.py

`tests/unit/checks/test_checks_page.py` fails while the page is not what the rules say.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fedhub.checks.pages import page

PAGE = Path(__file__).resolve().parent.parent / "docs" / "checks.md"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
