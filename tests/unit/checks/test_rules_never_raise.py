"""Whatever stands in a values file, a rule answers; it never raises, and never says a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fedhub.checks.entity_ids import GOOGLE, MICROSOFT
from fedhub.checks.linter import check_hub
from fedhub.checks.problem import as_json
from fedhub.checks.report import json_text, line, sarif_text, shown_line
from fedhub.checks.rules import RULES
from fedhub.hub.traits import classes
from fedhub.hub.values import Hub, ValuesFile

SECRET = "s3cr3t-0d9c41"

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["http://[", "https://h/hub/oauth_callback", "http://localhost/", "xxxx", "*", "<b>", "//"]
    )
)
anything = st.recursive(
    scalars,
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3)
    ),
    max_leaves=6,
)


def mostly(likely: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What belongs there, and now and then something else."""
    return st.one_of(likely, likely, likely, likely, anything)


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A map with some of these keys."""
    return mostly(st.fixed_dictionaries({}, optional=optional))


entity_ids = st.sampled_from(
    [GOOGLE, MICROSOFT, GOOGLE, MICROSOFT, "https://google.com", "urn:x:y", "https://a.edu/i", "x"]
)
names = mostly(st.sampled_from(["hub.x.org", "*.x.org", "other.x.org"]))
callbacks = mostly(
    st.sampled_from(
        [
            "https://hub.x.org/hub/oauth_callback",
            "http://a.b/x",
            "http://localhost/",
            "https://[",
            "x",
        ]
    )
)
idps = st.dictionaries(
    entity_ids,
    some(
        username_derivation=some(
            username_claim=mostly(st.sampled_from(["email", "eppn"])),
            action=mostly(st.sampled_from(["prefix", "strip_idp_domain"])),
            prefix=anything,
            domain=anything,
        ),
        allow_all=mostly(st.booleans()),
        allowed_domains=mostly(st.just(["x.org", "*", "@x"])),
        allowed_domains_claim=anything,
    ),
    min_size=1,
    max_size=4,
)
trait_names = st.sampled_from(
    [*sorted({trait for cls in classes().values() for trait in cls.traits}), "idpz", "x", ""]
)
flags = mostly(st.booleans())
traits = st.one_of(
    st.dictionaries(trait_names, anything, max_size=4),
    some(
        idps=idps,
        allowed_idps=idps,
        allow_all=flags,
        oauth_callback_url=callbacks,
        allowed_groups=mostly(st.just(["g"])),
        manage_groups=flags,
        enable_auth_state=flags,
        auth_refresh_age=mostly(st.just(0)),
        authorize_url=callbacks,
    ),
)
class_names = mostly(
    st.sampled_from(["cilogon", "github", "custos", "dummy", "generic-oauth", "google", "nope"])
)
config = st.one_of(
    st.dictionaries(st.sampled_from(sorted(classes())) | st.text(max_size=6), traits, max_size=4),
    st.fixed_dictionaries(
        {
            "JupyterHub": st.fixed_dictionaries({"authenticator_class": class_names}),
            "OAuthenticator": st.one_of(traits, traits, anything),
        },
        optional={"Authenticator": traits, "CILogonOAuthenticator": traits, "auto_login": anything},
    ),
)
statements = st.builds(
    "c.{}.{} {} {!r}".format,
    st.sampled_from(["JupyterHub", "Authenticator", "CILogonOAuthenticator", "Nope"]),
    trait_names,
    st.sampled_from(["=", "+=", "= c.X.y ="]),
    anything,
) | st.sampled_from(
    [
        "from custosauthenticator.custos import CustosOAuthenticator",
        "c.JupyterHub.authenticator_class = CustosOAuthenticator",
        "class Own(CustosOAuthenticator, *x):\n    a: int = 1\n    b = c[0].d",
        "c.JupyterHub.authenticator_class = Own",
        "configure(c, *a, **{**b})",
        "c.A.b.update(x); (c.A.b, *c.C.d) = 1, 2",
        "import os as o, sys.path\no.environ['X_SECRET'] = 'é' + '\\x00'",
        "\tx = (",
        "from . import *",
        "x = {**y, 'api_token': ['a']}",
    ]
)
code = st.lists(statements, max_size=4).map("\n".join) | st.text(max_size=20)
logins = st.dictionaries(
    st.sampled_from(["a", "b", "c d"]),
    some(authenticator=class_names, config=traits, prefix=mostly(st.sampled_from(["", "a:"]))),
    max_size=3,
)
services = st.dictionaries(
    st.text(max_size=3), some(oauth_redirect_uri=callbacks, name=anything), max_size=2
)
maps = st.dictionaries(st.text(max_size=3), anything, max_size=2)
values = st.fixed_dictionaries(
    {
        "hub": st.fixed_dictionaries(
            {"config": config},
            optional={
                "extraConfig": st.dictionaries(st.text(max_size=3), mostly(code), max_size=3),
                "services": services,
                "loadRoles": st.dictionaries(
                    st.sampled_from(["user", "x"]), some(scopes=anything, name=anything), max_size=2
                ),
                "baseUrl": mostly(st.sampled_from(["/", "/a/", "a"])),
                "extraEnv": anything,
            },
        )
    },
    optional={
        "global": st.fixed_dictionaries(
            {"fedhub": some(domain=names, login=mostly(logins), services=mostly(services))}
        ),
        "ingress": st.fixed_dictionaries(
            {},
            optional={
                "enabled": flags,
                "hosts": mostly(st.lists(names, max_size=2)),
                "tls": mostly(st.lists(some(hosts=st.lists(names, max_size=2)), max_size=2)),
            },
        ),
        "httpRoute": st.fixed_dictionaries({}, optional={"hostnames": st.lists(names, max_size=2)}),
        "proxy": st.fixed_dictionaries({}, optional={"https": anything, "secretToken": anything}),
        "custom": maps,
    },
)


def hub(tree: dict[str, Any]) -> Hub:
    files = (ValuesFile(Path("a.values.yaml"), "hub", encrypted=False, text=""),)
    return Hub("a", files, tree, {}, {}, (), ())


@given(tree=values)
def test_every_tree_gets_an_answer_that_can_be_shown(tree):
    problems = check_hub(hub(tree))
    for problem in problems:
        assert problem.id in {*RULES, "load"}
        assert problem.message
        assert "\n" not in line(problem)
        shown_line(problem)
    assert json.loads(json_text(problems)) == [dict(as_json(problem)) for problem in problems]
    assert len(json.loads(sarif_text(problems))["runs"][0]["results"]) == len(problems)


PLACES = (
    ("hub", "config", "GitHubOAuthenticator", "client_secret"),
    ("hub", "config", "CILogonOAuthenticator", "client_secret"),
    ("hub", "config", "CryptKeeper", "keys"),
    ("hub", "config", "JupyterHub", "api_tokens"),
    ("hub", "config", "client_secret"),
    ("hub", "services", "grafana", "apiToken"),
    ("hub", "extraEnv", "OAUTH_CLIENT_SECRET"),
    ("hub", "cookieSecret"),
    ("proxy", "secretToken"),
    ("global", "fedhub", "login", "a", "config", "client_secret"),
    ("global", "fedhub", "services", "a", "api_token"),
)


@given(
    path=st.sampled_from(PLACES),
    value=st.sampled_from(
        [SECRET, [SECRET], {SECRET: "x"}, {SECRET: 5}, [{"a": SECRET}], f"{SECRET} xxxx"]
    ),
)
def test_no_answer_holds_a_secret(path, value):
    tree: Any = value
    for key in reversed(path):
        tree = {key: tree}
    assert SECRET not in json_text(check_hub(hub(tree)))
