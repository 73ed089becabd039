"""What helm would apply, the same bytes every time: for GitOps, and to read.

z2jh makes up what the values lack of keys, others at each render, so a hub without them is refused.
Secrets are left out, or sealed with sops; and what is secret stands nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

from fedhub.errors import FedhubError, Problems
from fedhub.hub.credentials import kept_strings
from fedhub.hub.show import dotted
from fedhub.hub.values import Hub
from fedhub.release.helm import place, run_helm
from fedhub.release.manifests import Manifest, leaves, manifests
from fedhub.release.refusal import refusal
from fedhub.release.target import Release
from fedhub.secrets.keys import made_up_keys


def render(hub: Hub, release: Release, *, hooks: bool = True) -> list[Manifest]:
    """Return the objects of a hub, in the order that helm applies them in.

    Args:
        hub: its values.
        release: where it would be installed; no cluster is asked.
        hooks: whether those are among them that helm applies before or after the rest.

    Raises:
        FedhubError: a key is missing, helm refuses the values, or a secret would be readable.
    """
    check_keys(hub)
    template = ["template", release.name, release.chart.reference, *release.chart.options]
    options = ["--skip-tests", *([] if hooks else ["--no-hooks"])]
    done = run_helm([*template, *options, *place(release)], hub)
    if done.returncode != 0:
        raise refusal(done.stderr, hub, release)
    found = manifests(done.stdout)
    check_readable(hub, found)
    return found


def check_keys(hub: Hub) -> None:
    """Make sure that no key is made up.

    Raises:
        FedhubError: the values lack one.
    """
    missing = made_up_keys(hub.values, hub.z2jh_at)
    if missing:
        names = ", ".join(".".join(map(str, path)) for path in missing)
        raise FedhubError(
            f"{names} would be another one at every render",
            fix=f"`fedhub secrets generate {hub.name}` puts them into the encrypted values file",
            position=hub.position(*missing[0]),
        )


def check_readable(hub: Hub, found: Sequence[Manifest]) -> None:
    """Make sure that what is encrypted in the values is in Secrets alone.

    Raises:
        FedhubError: an object that is no Secret holds some of it.
    """
    kept = kept_strings(hub)
    problems = [
        FedhubError(
            f"{dotted(kept[secret])} is secret, and would be readable in {one.key}, at {at}",
            fix="take it from a Secret there (valueFrom), or put it into a file that is not "
            "encrypted if it is none",
            position=hub.position(*kept[secret]),
        )
        for one in found
        if not one.is_secret
        for at, text in leaves(one.content)
        for secret in kept
        if secret in text
    ]
    if problems:
        raise Problems(problems)
