"""The hub as an OpenID Connect issuer: `global.fedhub.oidc`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from fedhub.hub.text import Strict


class Oidc(Strict):
    """The hub as an OpenID Connect issuer, for services that want one."""

    enabled: bool = Field(
        False, description="Whether services may log people in by OpenID Connect discovery."
    )
    private_key: SecretStr | None = Field(
        None,
        alias="privateKey",
        min_length=1,
        description="The RSA key that signs ID tokens, as PEM. `fedhub secrets generate` puts one "
        "into the encrypted file.",
    )
    next_private_key: SecretStr | None = Field(
        None,
        alias="nextPrivateKey",
        min_length=1,
        description="The key that signs next; applications know it before. Made with the first.",
    )
    require_pkce: bool = Field(
        False,
        alias="requirePkce",
        description="Whether a login by OpenID Connect without PKCE is refused.",
    )
