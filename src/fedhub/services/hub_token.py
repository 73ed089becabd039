"""A token of the hub, by which a command may ask it; loads nothing where there is none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import SecretStr

VARIABLE = "FEDHUB_HUB_TOKEN"
"""What holds it."""
SCOPES = ("list:users", "read:tokens")
"""What it needs."""


def token_at_hand() -> SecretStr | None:
    """Take the token out of the environment, which children inherit; None for none."""
    found = os.environ.pop(VARIABLE, "").strip()
    if not found:
        return None
    from pydantic import SecretStr

    return SecretStr(found)
