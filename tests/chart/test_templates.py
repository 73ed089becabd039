"""What `fedhub new` writes renders on the chart, from each template, the same every time."""

from __future__ import annotations

import pytest
import yaml

from fedhub.new.template import LOGINS, SITUATIONS, filled, template, yours
from fedhub.secrets.keys import as_tree, missing_keys, new_keys
from tests.chart.conftest import ARCHIVE, Z2JH, Render, helm, merged
from tests.previews import ROOT

TEXTS = {name: template(name, None) for name in LOGINS} | {
    name: template(None, name) for name in SITUATIONS
}


def new_hub(name: str) -> str:
    """The values file of a new hub, all of it filled in."""
    answers = {one.name: one.example for one in yours(TEXTS[name])}
    return filled(TEXTS[name], answers | {"domain": "hub.uni.edu"})


def values(name: str) -> dict[str, object]:
    """The values of a new hub, with its keys."""
    given = yaml.safe_load(new_hub(name))
    keys = as_tree(new_keys(missing_keys(given, ("jupyterhub",))))
    both: dict[str, object] = merged(given, keys)
    return both


@pytest.mark.parametrize("name", TEXTS)
def test_a_new_hub_renders_with_its_keys_and_only_with_them(render: Render, name: str) -> None:
    given = values(name)
    first = render(given, keys=False)
    assert first.objects
    assert render(given, keys=False).text == first.text
    assert first.of("Ingress", "fedhub")["spec"]["rules"][0]["host"] == "hub.uni.edu"
    without = yaml.safe_load(new_hub(name))
    assert "`fedhub secrets generate` puts them" in render(without, keys=False).error


@pytest.mark.parametrize("name", TEXTS)
def test_nobody_gets_in_by_a_line_that_was_left_as_it_was(render: Render, name: str) -> None:
    text = filled(TEXTS[name], {"domain": "hub.uni.edu"})
    found = render(yaml.safe_load(text))
    assert ("which is still to be filled in" in found.error) is ("<" in text)


@pytest.mark.parametrize("name", TEXTS)
def test_a_template_renders_as_it_is(render: Render, name: str) -> None:
    given = yaml.safe_load(TEXTS[name])
    keys = as_tree(new_keys(missing_keys(given, ("jupyterhub",))))
    assert render(merged(given, keys), keys=False).objects


def test_the_example_in_plain_z2jh_renders_on_z2jhs_own_chart() -> None:
    if not ARCHIVE.is_file():
        pytest.skip(f"z2jh chart {Z2JH} not at hand")
    path = ROOT / "values" / "z2jh-custos.values.yaml"
    done = helm("template", "myhub", str(ARCHIVE), "--values", str(path))
    assert done.returncode == 0, done.stderr


def test_gitops_has_its_client_from_a_store(render: Render) -> None:
    found = render(values("gitops"), keys=False)
    assert found.names("ExternalSecret") == ["fedhub-credentials-external"]


def test_jetstream2_has_its_certificate_by_the_ingress(render: Render) -> None:
    found = render(values("jetstream2"), keys=False)
    assert found.of("Ingress", "fedhub")["spec"]["ingressClassName"] == "traefik"
    assert "email" in found.of("Issuer", "fedhub")["spec"]["acme"]
    assert [one.name for one in yours(TEXTS["jetstream2"])] == [
        *("domain", "user", "admin", "acme-email")
    ]
