"""How the domain leads to the hub: `ingress`, `httpRoute` and `tls` of `global.fedhub`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fedhub.hub.text import Address, EmailAddress, SecretName, Strict


class Ingress(Strict):
    """The Ingress for the hub's domain."""

    enabled: bool | None = Field(
        None, description="Whether there is one. Default: yes, unless `httpRoute` is on."
    )
    ingress_class_name: str | None = Field(
        None,
        alias="ingressClassName",
        min_length=1,
        description="The class of ingress controller; default: the cluster's.",
    )
    annotations: dict[str, str] = Field({}, description="Annotations for the controller.")


class ParentRef(Strict):
    """A Gateway."""

    name: SecretName = Field(description="Its name.")
    namespace: SecretName | None = Field(None, description="Its namespace; default: the hub's.")
    section_name: str | None = Field(
        None, alias="sectionName", min_length=1, description="Its listener; default: all that fit."
    )


class HttpRoute(Strict):
    """The HTTPRoute (Gateway API) for the hub's domain."""

    enabled: bool = Field(False, description="Whether there is one.")
    parent_refs: list[ParentRef] = Field(
        [], alias="parentRefs", description="The Gateways that it is for; they terminate TLS."
    )
    annotations: dict[str, str] = Field({}, description="Annotations of the route.")


class Acme(Strict):
    """An account at an ACME certificate authority (RFC 8555), such as Let's Encrypt."""

    email: EmailAddress = Field(description="Whom the authority writes to.")
    server: Address = Field(
        "https://acme-v02.api.letsencrypt.org/directory",
        description="The authority's directory; default: Let's Encrypt.",
    )


class Issuer(Strict):
    """A cert-manager Issuer."""

    name: SecretName = Field("fedhub", description="Its name.")
    kind: Literal["Issuer", "ClusterIssuer"] = Field(
        "Issuer", description="Whether it is the namespace's or the cluster's."
    )
    group: str = Field(
        "cert-manager.io",
        min_length=1,
        description="Its API group, of another than cert-manager's.",
    )
    acme: Acme | None = Field(
        None,
        description="Have the chart make the Issuer, for this account. Challenges are answered "
        "through the hub's Ingress or HTTPRoute (HTTP-01).",
    )


class Tls(Strict):
    """The certificate for the hub's domain."""

    enabled: bool = Field(
        True, description="Whether it is kept here; off where TLS ends in front of the cluster."
    )
    secret_name: SecretName = Field(
        "fedhub-tls", alias="secretName", description="The Secret that holds it."
    )
    issuer: Issuer | None = Field(
        None, description="The cert-manager Issuer to have it from. Without one, bring the Secret."
    )
