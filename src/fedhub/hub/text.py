"""What models are made of: texts with a rule, and maps that take nothing unknown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema, model_validator
from pydantic.config import JsonDict


def _text(pattern: str, rule: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Text that matches a pattern, with a rule that says so in words."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text, re.ASCII) is None:
            raise ValueError(rule)
        return text

    schema = {"type": "string", "pattern": f"^{pattern}$"}
    return AfterValidator(check), WithJsonSchema(schema)


def without_nulls(values: Any) -> Any:
    """Drop what is null: in Helm's values null deletes."""
    if not isinstance(values, Mapping):
        return values
    return {key: value for key, value in values.items() if value is not None}


ONLY_THESE: JsonDict = {"additionalProperties": False}  # beside the names that match the pattern

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
Namespace = Annotated[
    str,
    *_text(_DNS_LABEL, "must be the name of a namespace: at most 63 lower-case letters, digits, -"),
]
ReleaseName = Annotated[
    str,
    *_text(
        "[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?",
        "must be the name of a release: at most 53 lower-case letters, digits, -",
    ),
]
NoOption = Annotated[
    str, *_text("[^-].*", "must not start with -: helm and kubectl would take it for an option")
]
Duration = Annotated[str, *_text("([0-9]+(ms|s|m|h))+", "must be a duration, such as 30s or 1m")]
EmailAddress = Annotated[str, *_text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "must be an e-mail address")]
Quantity = Annotated[
    str,
    *_text(r"[0-9]+(\.[0-9]+)?([KMGTPE]i?|k)?", "must be a size as Kubernetes has it, such as 5Gi"),
]
Schedule = Annotated[
    str,
    *_text(
        r"(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|[^\s@]+(\s+[^\s@]+){4})",
        "must be a schedule as cron has it, such as 15 3 * * *",
    ),
]
TimeZone = Annotated[
    str,
    *_text(
        "[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", "must be a time zone, such as Europe/Berlin"
    ),
]
ImageTag = Annotated[
    str, *_text(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", "must be the tag of an image")
]
RoleName = Annotated[
    str,
    *_text(
        "[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9_])?",
        "a role's name is lower-case letters, digits, hyphens and underscores, and ends with no "
        "hyphen",
    ),
]
AuthenticatorName = Annotated[
    str,
    *_text(
        r"[A-Za-z_][A-Za-z0-9_-]*([.:][A-Za-z_][A-Za-z0-9_]*)*",
        "must be an authenticator's name, such as cilogon, or the dotted path of its class",
    ),
]


class Strict(BaseModel):
    """Unknown keys and wrong types are errors; null is as good as absent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, values: Any) -> Any:
        return without_nulls(values)
