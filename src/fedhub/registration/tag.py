"""The tag that tells whose a registration is, in the client's `comment`.

    fedhub/1 owner=2i2c hub=campus provider=cilogon registration=0f3b…

`owner` tells apart those who share an administrative client, `hub` and `provider` are the names of
the hub and of its login provider, and `registration` is drawn anew for each client, so that the one
whose answer was lost can be found. A comment is compared as a whole, never by a part of it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

_NAME = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_TAG = re.compile(
    f"fedhub/1 owner=(?P<owner>{_NAME}) hub=(?P<hub>{_NAME}) provider=(?P<provider>{_NAME}) "
    "registration=(?P<registration>[0-9a-f]{32})(?P<overlap> overlap)?"
)


def is_name(text: str) -> bool:
    """Whether a text can be an owner, a hub or a provider in a tag."""
    return re.fullmatch(_NAME, text) is not None


@dataclass(frozen=True)
class Tag:
    """Whose a registration is.

    Attributes:
        owner: who manages it.
        hub: the hub it is for.
        provider: the login provider of the hub it is for.
        registration: 32 hexadecimal digits.
        overlap: whether callback URLs that the hub asks for no more are kept for now.

    Raises:
        ValueError: a part can't be told from the rest of the comment.
    """

    owner: str
    hub: str
    provider: str
    registration: str
    overlap: bool = False

    def __post_init__(self) -> None:
        if not _TAG.fullmatch(str(self)):
            raise ValueError(
                "owner, hub and provider are letters, digits, `.`, `_`, `-`; registration is 32 "
                "hex digits"
            )

    @classmethod
    def new(cls, owner: str, hub: str, provider: str) -> Tag:
        """A tag for a client that is to be registered."""
        return cls(owner, hub, provider, secrets.token_hex(16))

    @classmethod
    def parse(cls, comment: object) -> Tag | None:
        """The tag that a comment is; None when it is anything else."""
        found = _TAG.fullmatch(comment) if isinstance(comment, str) else None
        if not found:
            return None
        owner, hub, provider, registration, overlap = found.groups()
        return cls(owner, hub, provider, registration, overlap=bool(overlap))

    def __str__(self) -> str:
        return (
            f"fedhub/1 owner={self.owner} hub={self.hub} provider={self.provider} "
            f"registration={self.registration}{' overlap' if self.overlap else ''}"
        )
