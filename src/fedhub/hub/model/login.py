"""Who logs people in: `global.fedhub.login`."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from fedhub.hub.text import AuthenticatorName, SecretKey, SecretName, Strict


class SecretStore(Strict):
    """A store of the External Secrets Operator."""

    name: SecretName = Field(description="The store's name.")
    kind: Literal["SecretStore", "ClusterSecretStore"] = Field(
        "SecretStore", description="Whether it is the namespace's or the cluster's."
    )


class ExternalSecret(Strict):
    """Credentials that the External Secrets Operator brings into the cluster."""

    secret_store_ref: SecretStore = Field(
        alias="secretStoreRef", description="The store that holds them."
    )
    key: str = Field(min_length=1, description="What the store calls the secret.")
    client_id_property: str = Field(
        "client_id",
        alias="clientIdProperty",
        min_length=1,
        description="The secret's property that holds the client id.",
    )
    client_secret_property: str = Field(
        "client_secret",
        alias="clientSecretProperty",
        min_length=1,
        description="The secret's property that holds the client secret.",
    )


class Credentials(Strict):
    """Where a provider's client id and secret come from: one of the two."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["existingSecret"]}, {"required": ["externalSecret"]}]
        }
    )

    existing_secret: SecretName | None = Field(
        None,
        alias="existingSecret",
        description="A Kubernetes Secret in the hub's namespace that holds them; name it under "
        "`jupyterhub.hub.existingSecret`, too, so that the hub has it.",
    )
    external_secret: ExternalSecret | None = Field(
        None,
        alias="externalSecret",
        description="A secret in a store of the External Secrets Operator.",
    )
    client_id_key: SecretKey = Field(
        "client_id", alias="clientIdKey", description="The Secret's key that holds the client id."
    )
    client_secret_key: SecretKey = Field(
        "client_secret",
        alias="clientSecretKey",
        description="The Secret's key that holds the client secret.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.existing_secret is None) == (self.external_secret is None):
            raise ValueError("name one of existingSecret and externalSecret")
        return self


class Provider(Strict):
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
        "reference, of the class or its parents.",
    )
    credentials: Credentials | None = Field(
        None,
        description="Where client id and secret come from. Without it, from the chart's "
        "`credentials.<name>`, else from the keys `<name>.client_id` and `<name>.client_secret` "
        "of a Secret called `fedhub-credentials`.",
    )
    prefix: str | None = Field(
        None,
        description="What the names of this provider's users start with, so that nobody of one "
        "provider can be taken for somebody of another. Default: nothing with one provider, "
        "`<name>:` with several.",
    )
