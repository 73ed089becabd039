"""`values/registration.yaml`: who registers a folder's hubs, and with which administrators.

    owner: example-ops
    contact: hubs@example.org
    administrators:
      - cilogon_host: cilogon.org
        credentials: {file: enc-cilogon-admin.yaml}
      - iam_url: https://iam.example.org
        realm: lab
        credentials: {command: [pass, show, keycloak/lab]}
    custos:
      - custos_host: custos.example.org
        owner:
          first_name: Olga
          last_name: Ops
          email: hubs@example.org
          credentials: {file: enc-custos-owner.yaml}

It holds no secret. It is no part of a hub's values, which a pod gets to see.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from fedhub.errors import FedhubError, Position
from fedhub.hub.document import parse
from fedhub.hub.files import read_text
from fedhub.hub.merge import KeyPath, plain, positions
from fedhub.hub.text import Address, EmailAddress, HostName, Strict
from fedhub.hub.validation import validated
from fedhub.registration.tag import is_name

FILE = "registration.yaml"


def _tag_name(text: str) -> str:
    if not is_name(text):
        raise ValueError("must be letters, digits, `.`, `_` and `-`, a letter or digit at its ends")
    return text


class Source(Strict):
    """Where an administrator's credentials come from; what it gives is a YAML or JSON map."""

    file: str | None = Field(None, description="A file that sops opens, beside this one.")
    command: list[str] | None = Field(None, min_length=1, description="A command that prints it.")
    environment: str | None = Field(None, description="A variable that holds it.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.file, self.command, self.environment)) != 1:
            raise ValueError("name one of file, command, environment")
        return self


class Administrator(Strict):
    """Who may register clients at one provider."""

    cilogon_host: HostName | None = Field(None, description="CILogon's host, as the hub has it.")
    iam_url: Address | None = Field(None, description="Keycloak's address, as the hub has it.")
    realm: str | None = Field(None, min_length=1, description="Keycloak's realm.")
    address: Address | None = Field(
        None, description="The client management's own address; default: what follows from these."
    )
    quota: int | None = Field(None, ge=1, description="How many clients it may have.")
    credentials: Source = Field(description="Where its own id and secret come from.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.cilogon_host is None) == (self.iam_url is None):
            raise ValueError("name cilogon_host, or iam_url and realm")
        if (self.iam_url is None) != (self.realm is None):
            raise ValueError("iam_url and realm go together")
        return self

    @property
    def label(self) -> str:
        """What messages call the provider."""
        return self.cilogon_host or f"{self.iam_url} realm {self.realm}"


class TenantOwner(Strict):
    """Whose account Custos makes in a tenant's realm."""

    first_name: str = Field(min_length=1, description="The owner's first name.")
    last_name: str = Field(min_length=1, description="The owner's last name.")
    email: EmailAddress = Field(
        description="The owner's address; nobody who logs in to the hub may have the same."
    )
    credentials: Source = Field(description="Where the account's username and password come from.")


class Custos(Strict):
    """A Custos v1.0.0 that tenants are requested at."""

    custos_host: HostName | None = Field(None, description="Custos' host, as the hub has it.")
    custos_url: Address | None = Field(None, description="Custos' address, as the hub has it.")
    owner: TenantOwner = Field(description="Who owns the tenants.")
    approval: EmailAddress | None = Field(None, description="Whom to write to for approval.")
    administrator: Source | None = Field(
        None,
        description="Where the credentials of Custos' own administrator come from, where that is "
        "you: client_id and client_secret of the super tenant, username and password.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.custos_host is None) == (self.custos_url is None):
            raise ValueError("name custos_host or custos_url")
        return self

    @property
    def address(self) -> str:
        """Where it is, without a slash at its end."""
        return (self.custos_url or f"https://{self.custos_host}").rstrip("/")


class Settings(Strict):
    """What registering a folder's hubs takes."""

    owner: Annotated[str, AfterValidator(_tag_name)] = Field(
        description="Tells your registrations from those of others with the same administrator."
    )
    contact: EmailAddress | None = Field(None, description="Whom a provider may write to.")
    administrators: list[Administrator] = Field(
        default_factory=list, description="The administrators, one for each provider."
    )
    custos: list[Custos] = Field(
        default_factory=list, description="Each Custos that tenants are requested at."
    )

    @property
    def sources(self) -> list[Source]:
        """All that credentials come from."""
        found = [one.credentials for one in self.administrators]
        for custos in self.custos:
            found += filter(None, [custos.owner.credentials, custos.administrator])
        return found


def load_settings(folder: Path) -> Settings:
    """Return what a folder's `registration.yaml` says.

    Raises:
        FedhubError: it is missing, or wrong.
    """
    path = folder / FILE
    if not path.exists():
        raise FedhubError(
            f"{path} is missing, which says who registers the hubs in {folder}",
            fix="write it as docs/register.md shows, starting with `owner: your-name`",
        )
    root = parse(read_text(path, "settings file"), str(path), "settings")
    where = {at: key for at, key, _ in positions(root)}

    def position(at: KeyPath) -> Position:
        return next(where[at[:n]] for n in range(len(at), -1, -1) if at[:n] in where)

    return validated(Settings, plain(root), position)
