"""What a hub has to do with outside its namespace: who logs its people in, and an application.

Both run in a namespace of their own, at host names of their own, with certificates of an authority
that only those know who are told.
"""

from __future__ import annotations

import base64
import io
import json
import socket
import tarfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fedhub.access.persona import Persona
from fedhub.idp.client import Client
from tests.certificates import Authority
from tests.cluster.hubs import Hub, Values, until
from tests.previews import ROOT

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Server:
    """A server by HTTPS, in a pod that has no rights.

    Attributes:
        name: of all that it is made of.
        port: of the node, where it is reached.
        image: what it runs on.
        script: what it runs, in a shell; the files are in `/files`, the secret ones in `/secrets`,
            and `/code` can be written to.
        files: by name.
        secrets: by name.
        environment: its variables.
        knows: addresses by host name.
    """

    name: str
    port: int
    image: str
    script: str
    files: dict[str, bytes]
    secrets: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    knows: dict[str, str] = field(default_factory=dict)

    def start(self, space: Hub) -> str:
        """Start it, and wait until it answers.

        Returns: its address in the cluster.
        """
        space.apply(*self._objects())
        space.kubectl("rollout", "status", f"deployment/{self.name}", "--timeout=60s")
        node = space.cluster.address
        until(lambda: _answers(node, self.port), f"{self.name} is not at port {self.port}")
        return str(space.get("service", self.name)["spec"]["clusterIP"])

    def _objects(self) -> list[Values]:
        named = {"metadata": {"name": self.name}}
        labels = {"app": self.name}
        files = {name: base64.b64encode(text).decode() for name, text in self.files.items()}
        # The port is 443 all the way: network policies see that of the pod.
        port = {"port": 443, "nodePort": self.port}
        return [
            {"apiVersion": "v1", "kind": "Secret", **named, "stringData": self.secrets},
            {"apiVersion": "v1", "kind": "ConfigMap", **named, "binaryData": files},
            {
                "apiVersion": "v1",
                "kind": "Service",
                **named,
                "spec": {"type": "NodePort", "selector": labels, "ports": [port]},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                **named,
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": self._pod()},
                },
            },
        ]

    def _pod(self) -> Values:
        return {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "hostAliases": [{"ip": ip, "hostnames": [host]} for host, ip in self.knows.items()],
            "securityContext": {
                "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
            },
            "volumes": [
                {"name": "files", "configMap": {"name": self.name}},
                {"name": "secrets", "secret": {"secretName": self.name}},
                {"name": "code", "emptyDir": {}},
            ],
            "containers": [
                {
                    "name": "server",
                    "image": self.image,
                    "command": ["sh", "-euc", self.script],
                    "env": [{"name": key, "value": to} for key, to in self.environment.items()],
                    "securityContext": {
                        "runAsUser": 1000,
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "readinessProbe": {"tcpSocket": {"port": 443}, "periodSeconds": 1},
                    "volumeMounts": [
                        {"name": name, "mountPath": f"/{name}"}
                        for name in ("files", "secrets", "code")
                    ],
                }
            ],
        }


def identity_provider(
    authority: Authority, host: str, port: int, clients: Sequence[Client], people: Sequence[Persona]
) -> Server:
    """The embedded identity provider, of the sources as they are: a change needs no new image."""
    setup = {
        "url": f"https://{host}",
        "clients": [asdict(client) for client in clients],
        "people": [asdict(person) for person in people],
    }
    return Server(
        name="idp",
        port=port,
        image="localhost/fedhub-base/idp:test",
        script="python3 -m tarfile -e /files/fedhub.tar.gz /code\n"
        "PYTHONPATH=/code exec python3 -B /files/idp_pod.py /secrets",
        files={"fedhub.tar.gz": _sources(), "idp_pod.py": (HERE / "idp_pod.py").read_bytes()},
        secrets={"setup.json": json.dumps(setup), **_tls(authority, host)},
    )


def application(
    authority: Authority, callback: str, port: int, secret: str, *, hub: str, reached_at: str
) -> Server:
    """An application that logs people in through a hub, which it knows by its public address.

    Args:
        authority: whose certificates it has and trusts.
        callback: its callback URL.
        port: of the node.
        secret: its secret at the hub.
        hub: the hub's host.
        reached_at: the address that stands for that host in the cluster.
    """
    host = callback.split("/")[2]
    return Server(
        name="grafana",
        port=port,
        image="localhost/fedhub/hub:test",
        script="exec python3 -B /files/notes.py",
        files={
            "notes.py": (HERE / "notes.py").read_bytes(),
            "authority.pem": authority.certificate.encode(),
        },
        secrets={"client_secret": secret, **_tls(authority, host)},
        environment={
            "CLIENT_SECRET": "/secrets/client_secret",
            "TLS": "/secrets",
            "SSL_CERT_FILE": "/files/authority.pem",
            "JUPYTERHUB_SERVICE_PREFIX": "/",
            "JUPYTERHUB_API_URL": f"https://{hub}/hub/api",
            "JUPYTERHUB_HOST": f"https://{hub}",
            "JUPYTERHUB_CLIENT_ID": "service-grafana",
            "JUPYTERHUB_OAUTH_CALLBACK_URL": callback,
        },
        knows={hub: reached_at},
    )


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _tls(authority: Authority, host: str) -> dict[str, str]:
    issued = authority.issue(host)
    return {"tls.crt": issued.certificate, "tls.key": issued.key}


def _sources() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(
            ROOT / "src" / "fedhub",
            "fedhub",
            filter=lambda member: None if "__pycache__" in member.name else member,
        )
    return archive.getvalue()
