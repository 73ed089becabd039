"""Whether the network policies of a release let one pod reach another.

https://kubernetes.io/docs/concepts/services-networking/network-policies/

Hides: how policies add up, named ports, and which rules are about pods of the release's own
namespace. Expressions in selectors, which nothing here has, are errors.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any

from tests.chart.conftest import Rendered


@dataclass(frozen=True)
class Peer:
    """Somebody in the network.

    Attributes:
        labels: of a pod in the release's namespace; None for somebody outside it.
        ports: the pod's named ports.
        address: its IP address.
    """

    labels: dict[str, str] | None = None
    ports: dict[str, int] = field(default_factory=dict)
    address: str = "10.1.2.3"


def pod(rendered: Rendered, deployment: str, address: str = "10.1.2.3") -> Peer:
    """The pods of a Deployment."""
    template = rendered.of("Deployment", deployment)["spec"]["template"]
    ports = {
        port["name"]: port["containerPort"]
        for container in template["spec"]["containers"]
        for port in container.get("ports", [])
    }
    return Peer(template["metadata"]["labels"], ports, address)


def reaches(rendered: Rendered, source: Peer, target: Peer, port: int) -> bool:
    """Whether a source's TCP connection to a target's port is let through at both ends."""
    return _lets(rendered, source, target, target, port, "Egress") and _lets(
        rendered, target, source, target, port, "Ingress"
    )


def _lets(
    rendered: Rendered, subject: Peer, other: Peer, target: Peer, port: int, direction: str
) -> bool:
    policies = [
        one["spec"]
        for one in rendered.objects
        if one["kind"] == "NetworkPolicy"
        and direction in one["spec"]["policyTypes"]
        and selects(one["spec"]["podSelector"], subject.labels)
    ]
    way = "to" if direction == "Egress" else "from"
    return not policies or any(
        _of_port(rule, target, port) and _of_peer(rule.get(way), other)
        for policy in policies
        for rule in policy.get(direction.lower()) or []
    )


def _of_port(rule: dict[str, Any], target: Peer, port: int) -> bool:
    ports = rule.get("ports")
    return ports is None or any(
        one.get("protocol", "TCP") == "TCP"
        and one.get("port", port) in {port, *(n for n, p in target.ports.items() if p == port)}
        for one in ports
    )


def _of_peer(peers: list[dict[str, Any]] | None, other: Peer) -> bool:
    if not peers:
        return True
    return any(
        _in_block(one["ipBlock"], other.address)
        if "ipBlock" in one
        else "namespaceSelector" not in one and selects(one["podSelector"], other.labels)
        for one in peers
    )


def _in_block(block: dict[str, Any], address: str) -> bool:
    found = ipaddress.ip_address(address)
    return found in ipaddress.ip_network(block["cidr"]) and not any(
        found in ipaddress.ip_network(cidr) for cidr in block.get("except", [])
    )


def selects(selector: dict[str, Any], labels: dict[str, str] | None) -> bool:
    """Whether a selector of labels selects a pod."""
    assert "matchExpressions" not in selector
    return labels is not None and selector.get("matchLabels", {}).items() <= labels.items()
