"""The administrative client: who registers, shows and deletes clients."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True)
class AdminCredentials:
    """Its id and secret, as CILogon's staff or a realm's administrator handed them out.

    Attributes:
        client_id: such as `cilogon:/adminClient/…`.
        client_secret: never shown in a representation.
    """

    client_id: str
    client_secret: SecretStr
