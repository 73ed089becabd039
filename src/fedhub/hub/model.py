"""What stands under `global.fedhub`: the one description of it.

The chart's JSON schema, the editor's schema and the reference table are generated from these
models; a field's description is its documentation.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.config import JsonDict

from fedhub.errors import FedhubError, Position, Problems
from fedhub.hub.merge import KeyPath


def _text(pattern: str, rule: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Text that matches a pattern, with a rule that says so in words."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text, re.ASCII) is None:
            raise ValueError(rule)
        return text

    schema = {"type": "string", "pattern": f"^{pattern}$"}
    return AfterValidator(check), WithJsonSchema(schema)


def _without_nulls(values: Any) -> Any:
    """Drop what is null: in Helm's values null deletes."""
    if not isinstance(values, Mapping):
        return values
    return {key: value for key, value in values.items() if value is not None}


_ONLY_THESE: JsonDict = {"additionalProperties": False}  # beside the names that match the pattern

_DNS_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DNS_NAME = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*"

HostName = Annotated[
    str,
    *_text(
        _DNS_NAME,
        "must be a host name alone, in lower case: no https://, no port, no path",
    ),
]
Address = Annotated[
    str,
    *_text(r"https?://[^\s/?#]+[^\s#]*", "must be an address that starts with https:// or http://"),
]
ProviderName = Annotated[
    str,
    *_text(
        "[a-z][a-z0-9-]{0,30}",
        "a provider's name is lower-case letters, digits and hyphens, starts with a letter, and "
        "has at most 31 characters",
    ),
]
ServiceName = Annotated[
    str,
    *_text(
        "[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
        "a service's name is letters, digits, dots, hyphens and underscores, starts with a letter "
        "or digit, and has at most 63 characters",
    ),
]
ClientId = Annotated[
    str, *_text("service-.+", "must start with service-, or JupyterHub refuses the service")
]
SecretName = Annotated[
    str, *_text(_DNS_NAME, "must be the name of a Kubernetes Secret: lower-case letters, digits, -")
]
SecretKey = Annotated[
    str,
    *_text("[-._a-zA-Z0-9]{1,253}", "must be a key of a Kubernetes Secret: letters, digits, -_."),
]
AuthenticatorName = Annotated[
    str,
    *_text(
        r"[A-Za-z_][A-Za-z0-9_-]*([.:][A-Za-z_][A-Za-z0-9_]*)*",
        "must be an authenticator's name, such as cilogon, or the dotted path of its class",
    ),
]


class _Strict(BaseModel):
    """Unknown keys and wrong types are errors; null is as good as absent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, values: Any) -> Any:
        return _without_nulls(values)


class Credentials(_Strict):
    """Where a provider's client id and secret come from, when they are not under `config`."""

    existing_secret: SecretName = Field(
        alias="existingSecret",
        description="A Kubernetes Secret in the hub's namespace that holds them.",
    )
    client_id_key: SecretKey = Field(
        "client_id", alias="clientIdKey", description="The Secret's key that holds the client id."
    )
    client_secret_key: SecretKey = Field(
        "client_secret",
        alias="clientSecretKey",
        description="The Secret's key that holds the client secret.",
    )


class Provider(_Strict):
    """Who logs people in: CILogon, Custos, Keycloak, GitHub, any OpenID Connect issuer."""

    authenticator: AuthenticatorName = Field(
        description="What `JupyterHub.authenticator_class` takes: an authenticator's name "
        "(`cilogon`, `custos`, `github`, `google`, `globus`, `generic-oauth`, …) or the dotted "
        "path of a class.",
    )
    label: str | None = Field(
        None,
        min_length=1,
        description="What the login button says; default: as the authenticator has it.",
    )
    config: dict[str, Any] = Field(
        {},
        repr=False,  # it may hold a client secret
        description="The authenticator's settings: traits spelled as in oauthenticator's "
        "reference, of the class or its parents. `client_id` and `client_secret` belong in the "
        "encrypted file.",
    )
    credentials: Credentials | None = Field(
        None,
        description="Where client id and secret come from when they are not under `config`.",
    )
    prefix: str | None = Field(
        None,
        description="What the names of this provider's users start with, so that nobody of one "
        "provider can be taken for somebody of another. Default: nothing with one provider, "
        "`<name>:` with several.",
    )


class Service(_Strict):
    """An external application that logs its users in through the hub."""

    url: Address | None = Field(None, description="Where the service is.")
    oauth_redirect_uri: Address = Field(
        description="The service's callback URL: where the hub sends people back to."
    )
    oauth_client_id: ClientId | None = Field(
        None, description="Its client id at the hub; default: `service-<name>`."
    )
    oauth_no_confirm: bool = Field(
        False, description="Whether people reach it without being asked to confirm."
    )
    oauth_client_allowed_scopes: list[str] = Field(
        [], description="Scopes the service may have beyond knowing who its user is."
    )
    display: bool = Field(True, description="Whether the hub's pages list it.")
    api_token: SecretStr | None = Field(
        None,
        min_length=1,
        description="Its token at the hub, and its client secret. Belongs in the encrypted file.",
    )
    users: list[str] = Field([], description="The users who may use it.")
    groups: list[str] = Field([], description="The groups whose members may use it.")


class Fedhub(_Strict):
    """What fedhub knows of a hub: stated once, and everything else follows from it."""

    domain: HostName = Field(
        description="The hub's host name. Ingress hosts, TLS and callback URLs follow from it."
    )
    login: Annotated[dict[ProviderName, Provider], BeforeValidator(_without_nulls)] = Field(
        {},
        json_schema_extra=_ONLY_THESE,
        description="Who logs people in, by a name of your choice.",
    )
    services: Annotated[dict[ServiceName, Service], BeforeValidator(_without_nulls)] = Field(
        {},
        json_schema_extra=_ONLY_THESE,
        description="External applications that log their users in through the hub, by name.",
    )

    def prefix(self, provider: str) -> str:
        """Return what the user names of a provider start with."""
        declared = self.login[provider].prefix
        if declared is not None:
            return declared
        return f"{provider}:" if len(self.login) > 1 else ""

    def client_id(self, service: str) -> str:
        """Return a service's client id at the hub."""
        return self.services[service].oauth_client_id or f"service-{service}"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `global.fedhub`."""
    schema = Fedhub.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def validate(declared: Any, position: Callable[[KeyPath], Position]) -> Fedhub:
    """Return the model of what stands under `global.fedhub`.

    Args:
        declared: the value of `global.fedhub`.
        position: where a path below `global.fedhub` was set.

    Raises:
        Problems: all that is wrong with it, in the order of the files.
    """
    try:
        return Fedhub.model_validate(declared)
    except ValidationError as error:
        problems = [
            _problem(one["type"], one["msg"], one["loc"], position)
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise Problems(problems) from None


_TYPES = {
    "string_type": ("must be text", "put quotes round it"),
    "bool_type": ("must be true or false", "write one of them, without quotes"),
    "list_type": ("must be a list", "write its entries as `- …` lines"),
    "dict_type": ("must be a map", "write `key: value` lines below it"),
    "model_type": ("must be a map", "write `key: value` lines below it"),
    "string_too_short": ("must not be empty", "fill it in, or remove the key"),
    "missing": ("is missing", "add it"),
    "value_error": ("", "correct it"),
}


def _problem(
    kind: str, message: str, place: KeyPath, position: Callable[[KeyPath], Position]
) -> FedhubError:
    path = tuple(part for part in place if part != "[key]")
    dotted = ".".join(("global", "fedhub", *map(str, path)))
    if kind == "extra_forbidden":
        known = _known_keys(path[:-1])
        near = difflib.get_close_matches(str(path[-1]), known, n=1)
        fix = f"did you mean {near[0]}?" if near else f"the keys there are {', '.join(known)}"
        return FedhubError(f"unknown key {dotted}", fix=fix, position=position(path))
    what, fix = _TYPES.get(kind, ("", "correct it"))
    what = what or message.removeprefix("Value error, ")
    return FedhubError(f"{dotted}: {what}", fix=fix, position=position(path))


def _known_keys(path: KeyPath) -> list[str]:
    model: type[BaseModel] = Fedhub
    if path:
        model = Provider if path[0] == "login" else Service
    if path[-1:] == ("credentials",):
        model = Credentials
    return [field.alias or name for name, field in model.model_fields.items()]
