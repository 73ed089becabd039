"""What people see of a hub before they are in: the login page, refusals, the page after a logout.

Templates are in `templates/`, between the operator's own (`JupyterHub.template_paths`), which come
first, and JupyterHub's. An operator's template builds on ours with
`{% extends "fedhub/login.html" %}`. They read these of `JupyterHub.template_vars`:

| variable | is |
|---|---|
| `login_title` | the heading of the login page; default: "Sign in" |
| `login_text` | what stands below it; an empty line begins a new paragraph |
| `login_logo` | the address of a picture above it |
| `login_contact` | whom to ask: an e-mail address, the address of a page, or words |
| `login_term_url` | JupyterHub's: the address of terms and conditions |

Everything works without JavaScript; `static/login.js` makes the search quicker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader
from jupyterhub.handlers import LoginHandler
from jupyterhub.handlers.static import CacheControlStaticFilesHandler
from jupyterhub.utils import url_path_join
from tornado.httputil import url_concat

from fedhub_authenticators import authorization
from fedhub_authenticators.institution_choice import remembered
from fedhub_authenticators.institutions import search

TEMPLATES = Path(__file__).with_name("templates")
STATIC = Path(__file__).with_name("static")

MOST_SHOWN = 12
"""Institutions that the page shows; of more it shows none before somebody searches."""

LONGEST_QUERY = 200

SEARCHED_FROM = 6
"""Institutions that are seen at a glance; only more are searched."""


@dataclass(frozen=True)
class Button:
    """One thing to press on the login page."""

    label: str
    url: str


@dataclass(frozen=True)
class Choice:
    """A provider on the login page.

    Attributes:
        name: what tells it from others.
        label: what people call it.
        first: what to press; None where an institution must be chosen.
        institutions: those to choose among, as far as they are shown.
        total: how many there are, or how many a search found.
        searched: whether these are what a search found.
        searchable: whether there are so many that people search.
    """

    name: str
    label: str
    first: Button | None
    institutions: list[Button] = field(default_factory=list)
    total: int = 0
    searched: bool = False
    searchable: bool = False

    @property
    def lists(self) -> bool:
        """Whether there is more than a button to it."""
        return bool(self.institutions) or self.searchable


class LoginPage(LoginHandler):
    """Shows a button for each provider, then what lists institutions, with a search for many."""

    def render_template(self, name: str, sync: bool = False, **ns: Any) -> Any:
        """Show the choices, also on a login page of the operator's that knows only JupyterHub's."""
        if name == "login.html" and not ns.get("custom_html"):
            query = self.get_argument("q", "")[:LONGEST_QUERY]
            choices = [self._choice(one, query) for one in providers(self.authenticator)]
            # A list would push the other providers' buttons out of sight.
            ns["choices"] = sorted(choices, key=lambda one: one.lists)
            ns |= {"query": query, "next_url": self.get_argument("next", "")}
            ns["custom_html"] = super().render_template("fedhub/choices.html", sync=True, **ns)
        return super().render_template(name, sync=sync, **ns)

    def _choice(self, provider: Any, query: str) -> Choice:
        base = url_path_join(self.hub.base_url, getattr(provider, "path", ""))
        address = provider.login_url(base)
        following = {"next": self.get_argument("next")} if self.get_argument("next", "") else {}

        def button(label: str, idp: str = "") -> Button:
            chosen = {"idp": idp} if idp else {}
            return Button(label, url_concat(address, chosen | following))

        institutions = provider.institutions()
        if len(institutions) <= 1:
            first = button(provider.button_label())
            return Choice(provider.called, provider.login_service, first)
        last = remembered(self, provider)
        others = [one for one in institutions if query or one != last]
        found = search(others, query)
        # Unasked, the first of many would be there for the alphabet's sake alone.
        seen = found[:MOST_SHOWN] if query.strip() or len(others) <= MOST_SHOWN else []
        return Choice(
            name=provider.called,
            label=provider.login_service,
            first=button(last.name, last.entity_id) if last else None,
            institutions=[button(one.name, one.entity_id) for one in seen],
            total=len(found),
            searched=bool(query.strip()),
            searchable=len(institutions) > SEARCHED_FROM,
        )


def providers(authenticator: Any) -> list[Any]:
    """Return the hub's providers: those of several, or the only one."""
    return list(getattr(authenticator, "authenticators", {"": authenticator}).values())


class OurFiles(CacheControlStaticFilesHandler):
    """Serves the style and the script of our pages."""

    def initialize(self) -> None:
        """Serve nothing but these."""
        super().initialize(path=str(STATIC))


def hub_pages() -> list[tuple[str, type[Any]]]:
    """Return the pages that a hub has once, however many providers."""
    return [
        (r"/login", LoginPage),
        (r"/fedhub/static/(.*)", OurFiles),
        *authorization.PAGES,
    ]


def add_templates(app: Any) -> None:
    """Put our templates between the operator's and JupyterHub's; again changes nothing."""
    for environment in ("jinja2_env", "jinja2_env_sync"):
        is_default = app.logo_file == app.trait_defaults("logo_file")
        app.tornado_settings[environment].globals["jupyterhubs_logo"] = is_default
    named, found = app.tornado_settings["jinja2_env"].loader.loaders[:2]
    named.mapping.setdefault("fedhub", FileSystemLoader(str(TEMPLATES)))
    if str(TEMPLATES) not in found.searchpath:
        # JupyterHub's own is the last.
        found.searchpath.insert(-1, str(TEMPLATES))
