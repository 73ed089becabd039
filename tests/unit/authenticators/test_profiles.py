"""Server profiles that only some groups see, with KubeSpawner itself."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
from fedhub_authenticators import configure
from fedhub_authenticators.profiles import check_profiles, profiles_for
from hypothesis import given
from hypothesis import strategies as st
from jupyterhub.utils import maybe_future
from kubernetes_asyncio.config import kube_config
from kubespawner import KubeSpawner
from tornado.web import HTTPError
from traitlets import TraitError
from traitlets.config import Config

from tests.asynchronous import run_async

SMALL = {"display_name": "Small", "kubespawner_override": {"cpu_limit": 1}}
GPU = {
    "display_name": "With GPU",
    "slug": "gpu",
    "default": True,
    "allowed_groups": ["gpu", "staff"],
    "kubespawner_override": {"cpu_limit": 8},
}
NOBODY = {"display_name": "Nobody's", "slug": "nobodys", "allowed_groups": []}
CHOICES = {
    "display_name": "Choices",
    "slug": "choices",
    "profile_options": {
        "image": {
            "display_name": "Image",
            "choices": {
                "new": {"display_name": "New", "allowed_groups": ["staff"], "default": True}
                | {"kubespawner_override": {"image": "new:1"}},
                "old": {"display_name": "Old", "kubespawner_override": {"image": "old:1"}},
            },
        }
    },
}


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: nowhere
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: nobody, user: {}}]
"""


@pytest.fixture(autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somewhere that KubeSpawner believes to be a cluster; nothing here calls it."""
    file = tmp_path_factory.mktemp("kube") / "config"
    file.write_text(KUBECONFIG)
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))


def hub(profiles: Any, spawner: Any = "kubespawner.KubeSpawner", afterwards: Any = None) -> Config:
    """A hub's configuration: z2jh's part, ours, then an extraConfig."""
    c = Config()
    c.JupyterHub.spawner_class = spawner
    c.KubeSpawner.profile_list = profiles
    configure(c, {})
    if afterwards is not None:
        c.KubeSpawner.profile_list = afterwards
    return c


def spawner_for(c: Config, *groups: str, **options: str) -> Any:
    """The server of somebody in some groups, who asks for something."""
    cls = c.JupyterHub.spawner_class
    made = cls(config=c, _mock=True)
    made.user.groups = [SimpleNamespace(name=name) for name in groups]
    made.user_options = options
    return made


async def form(spawner: Any) -> str:
    """The form that somebody sees."""
    found = spawner.options_form
    return str(await found(spawner) if callable(found) else found)


def seen(c: Config, *groups: str) -> list[str]:
    """The profiles that somebody sees."""

    async def look() -> str:
        return await form(spawner_for(c, *groups))

    html = run_async(look())
    names = ("Small", "With GPU", "Nobody's", "Choices")
    return [name for name in names if name in html or name.replace("'", "&#39;") in html]


def started(c: Config, *groups: str, **options: str) -> Any:
    """The server that somebody gets who asks for something."""

    async def start() -> Any:
        spawner = spawner_for(c, *groups, **options)
        await spawner.load_user_options()
        return spawner

    return run_async(start())


TABLE: list[tuple[str, list[Any], list[str], list[str]]] = [
    ("00", [SMALL, GPU], [], ["Small"]),
    ("01", [SMALL, GPU], ["students"], ["Small"]),
    ("02", [SMALL, GPU], ["gpu"], ["Small", "With GPU"]),
    ("03", [SMALL, GPU], ["students", "staff"], ["Small", "With GPU"]),
    ("04", [SMALL, GPU], ["GPU", "gp", "gpu-not"], ["Small"]),
    ("05", [SMALL, NOBODY], ["gpu", "staff"], ["Small"]),
    ("06", [SMALL], [], ["Small"]),
]


@pytest.mark.parametrize(
    ("row", "profiles", "groups", "expected"), TABLE, ids=[row[0] for row in TABLE]
)
def test_people_see_what_is_for_their_groups(
    row: str, profiles: list[Any], groups: list[str], expected: list[str]
) -> None:
    assert seen(hub(profiles), *groups) == expected
    # A list that an extraConfig sets, or a function, is no way around.
    assert seen(hub([SMALL], afterwards=profiles), *groups) == expected
    assert seen(hub(lambda spawner: profiles), *groups) == expected

    async def later(spawner: Any) -> list[Any]:
        return profiles

    assert seen(hub(later), *groups) == expected


def test_a_profile_can_be_started_by_those_who_see_it() -> None:
    assert started(hub([SMALL, GPU]), "gpu", profile="gpu").cpu_limit == 8


@pytest.mark.parametrize("slug", ["gpu", "nobodys"])
def test_somebody_who_asks_for_a_hidden_profile_is_refused(slug: str) -> None:
    with pytest.raises(ValueError, match="No such profile") as refused:
        started(hub([SMALL, GPU, NOBODY]), "students", profile=slug)
    assert "gpu," not in str(refused.value)


def test_somebody_who_sends_a_hidden_profile_in_the_form_is_refused() -> None:
    async def post() -> None:
        spawner = spawner_for(hub([SMALL, GPU]), "students")
        spawner.user_options = await maybe_future(
            spawner.run_options_from_form({"profile": ["gpu"]})
        )
        assert spawner.user_options == {"profile": "gpu"}
        await spawner.load_user_options()

    with pytest.raises(ValueError, match="No such profile"):
        run_async(post())


def test_a_hidden_default_is_nobodys_default() -> None:
    assert started(hub([SMALL, GPU]), "students").cpu_limit == 1
    assert started(hub([SMALL, GPU]), "gpu").cpu_limit == 8


def test_somebody_for_whom_there_is_no_profile_gets_no_server() -> None:
    c = hub([GPU, NOBODY])
    with pytest.raises(HTTPError) as refused:
        started(c, "students")
    assert refused.value.status_code == 403
    with pytest.raises(HTTPError, match="groups"):
        seen(c, "students")


def test_without_a_list_of_profiles_everybody_gets_a_server() -> None:
    assert started(hub([])).profile_list == []


def test_a_choice_may_be_for_some_groups_only() -> None:
    c = hub([CHOICES])
    assert started(c, "staff", profile="choices").image == "new:1"
    assert started(c, "students", profile="choices").image == "old:1"
    with pytest.raises(KeyError):
        started(c, "students", profile="choices", image="new")


def test_a_profile_that_leaves_no_choice_is_not_shown() -> None:
    only = {"new": CHOICES["profile_options"]["image"]["choices"]["new"]}  # type: ignore[index]
    profile = CHOICES | {"profile_options": {"image": {"display_name": "Image", "choices": only}}}
    assert seen(hub([SMALL, profile]), "students") == ["Small"]
    assert seen(hub([SMALL, profile]), "staff") == ["Small", "Choices"]


WRONG = [
    {"a": SMALL},
    "small",
    ["small"],
    [SMALL | {"allowed_groups": "staff"}],
    [SMALL | {"allowed_groups": None}],
    [SMALL | {"allowed_groups": True}],
    [SMALL | {"allowed_groups": {"staff": True}}],
    [SMALL | {"allowed_groups": ["staff", 1]}],
    [SMALL | {"allowed_groups": [""]}],
    [SMALL | {"profile_options": {"image": {"choices": {"new": {"allowed_groups": "staff"}}}}}],
    [SMALL | {"profile_options": ["image"]}],
]


@pytest.mark.parametrize("profiles", WRONG)
def test_the_hub_does_not_start_with_a_list_that_can_be_misread(profiles: Any) -> None:
    with pytest.raises(ValueError, match="profile_list"):
        hub(profiles)


@pytest.mark.parametrize("profiles", WRONG)
def test_nobody_gets_a_server_from_a_list_that_can_be_misread(profiles: Any) -> None:
    with pytest.raises((TraitError, HTTPError)):
        started(hub([], afterwards=profiles), "staff")
    with pytest.raises(HTTPError) as failed:
        started(hub(lambda spawner: profiles), "staff")
    assert failed.value.status_code == 500


def test_entries_may_be_added_before_and_afterwards() -> None:
    c = Config()
    c.JupyterHub.spawner_class = KubeSpawner
    c.KubeSpawner.profile_list.append(SMALL)
    configure(c, {})
    c.KubeSpawner.profile_list.append(GPU)
    assert seen(c, "students") == ["Small"]
    assert seen(c, "gpu") == ["Small", "With GPU"]


def test_configuring_twice_changes_nothing() -> None:
    c = hub([SMALL, GPU])
    cls = c.JupyterHub.spawner_class
    configure(c, {})
    assert c.JupyterHub.spawner_class is cls


def test_other_spawners_stay_as_they_are() -> None:
    assert hub([], spawner="simple").JupyterHub.spawner_class == "simple"
    assert hub([], spawner="no.such.Spawner").JupyterHub.spawner_class == "no.such.Spawner"


def test_an_operators_own_kubespawner_keeps_what_it_does() -> None:
    class Own(KubeSpawner):
        pass

    cls = hub([GPU], spawner=Own).JupyterHub.spawner_class
    assert issubclass(cls, Own)
    assert seen(hub([SMALL, GPU], spawner=Own), "students") == ["Small"]


def test_what_one_person_sees_takes_nothing_from_another() -> None:
    before = copy.deepcopy([CHOICES])
    profiles_for(set(), [CHOICES])
    assert before == [CHOICES]


group = st.sampled_from(["a", "b", "c"])
entries = st.lists(
    st.fixed_dictionaries(
        {"display_name": st.text(max_size=2)},
        optional={"allowed_groups": st.lists(group, max_size=2)},
    ),
    max_size=5,
)


@given(entries, st.sets(group))
def test_a_profile_is_shown_to_exactly_those_whom_it_is_for(
    profiles: list[dict[str, Any]], groups: set[str]
) -> None:
    check_profiles(profiles)
    assert profiles_for(groups, profiles) == [
        profile
        for profile in profiles
        if "allowed_groups" not in profile or set(profile["allowed_groups"]) & groups
    ]
