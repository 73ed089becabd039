"""Pods in manifests, and what the Pod Security Standard `restricted` has against them.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_OF_THE_HOST = ("hostNetwork", "hostPID", "hostIPC")


def pod_of(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """Return the spec of the pods that an object is, or makes; None for another kind."""
    spec: dict[str, Any] = manifest.get("spec", {})
    if manifest["kind"] == "Pod":
        return spec
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = spec.get("template") if isinstance(spec, dict) else None
    return template["spec"] if isinstance(template, dict) and "spec" in template else None


def against_restricted(pod: dict[str, Any]) -> list[str]:
    """Return what `restricted` has against a pod, and what our own rule adds.

    Ours: a root file system that nobody writes to, no token of the service account, and an image
    with a tag of its own.
    """
    found = [f"pod: {key}" for key in _OF_THE_HOST if pod.get(key)]
    found += [
        f"volume {volume['name']}: {kind}"
        for volume in pod.get("volumes", [])
        for kind in volume.keys() - {"name"} - _VOLUMES
    ]
    if pod.get("automountServiceAccountToken") is not False:
        found.append("pod: has the token of its service account")
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        found += [
            f"container {container['name']}: {what}" for what in _of_container(container, pod)
        ]
    return found


def _of_container(container: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    of_pod = pod.get("securityContext", {})
    own = container.get("securityContext", {})
    security = of_pod | own
    if security.get("runAsNonRoot") is not True:
        yield "may run as root"
    if security.get("runAsUser") == 0:
        yield "runs as root"
    if security.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "no seccomp profile"
    if own.get("privileged"):
        yield "is privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may escalate privileges"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "keeps capabilities"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "adds capabilities"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "can write to its root file system"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "has a port of the host"
    if ":" not in container["image"].rpartition("/")[2] and "@" not in container["image"]:
        yield "its image has no tag"
    if container["image"].endswith(":latest"):
        yield "its image is whatever is latest"
