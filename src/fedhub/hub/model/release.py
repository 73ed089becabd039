"""Where the hub is installed: `release` of `global.fedhub`, or of a plain z2jh file's."""

from __future__ import annotations

from pydantic import Field

from fedhub.hub.text import Namespace, NoOption, ReleaseName, Strict


class Release(Strict):
    """The hub's release, for `fedhub render`, `diff` and `deploy`; Helm does without."""

    context: NoOption | None = Field(
        None, description="kubectl's context; default: the current one."
    )
    namespace: Namespace | None = Field(None, description="The namespace; default: the hub's name.")
    name: ReleaseName | None = Field(None, description="The release; default: the hub's name.")
    chart: NoOption | None = Field(
        None,
        description="The chart, as `helm install` takes it: a folder, an archive, `oci://…` or "
        "`<repository>/<chart>`. Default: `charts/fedhub` in the working folder or above "
        "it, or z2jh's for a plain z2jh file.",
    )
    version: NoOption | None = Field(
        None, description="The chart's version, where it is not a folder or archive."
    )
