"""Entity IDs of identity providers behind CILogon that are well known.

The social ones are not an institution's own, anybody can have an account there, and their IDs
start with `http`, whatever the provider's address is today. CILogon's full list is at
https://cilogon.org/idplist/; an ID that is not here may be right.
"""

from __future__ import annotations

GOOGLE = "http://google.com/accounts/o8/id"
GITHUB = "http://github.com/login/oauth/authorize"
ORCID = "http://orcid.org/oauth/authorize"
MICROSOFT = "http://login.microsoftonline.com/common/oauth2/v2.0/authorize"

SOCIAL = {GOOGLE: "Google", GITHUB: "GitHub", ORCID: "ORCID", MICROSOFT: "Microsoft"}

SOCIAL_HOSTS = {
    "google.com": GOOGLE,
    "accounts.google.com": GOOGLE,
    "www.google.com": GOOGLE,
    "github.com": GITHUB,
    "www.github.com": GITHUB,
    "orcid.org": ORCID,
    "www.orcid.org": ORCID,
    "login.microsoftonline.com": MICROSOFT,
    "login.microsoft.com": MICROSOFT,
    "login.live.com": MICROSOFT,
}
"""Addresses that people write when they mean a social provider."""

INSTITUTIONS = (
    "http://sso.oit.edu/idp",
    "https://access-ci.org/idp",
    "https://fim.temple.edu/idp/shibboleth",
    "https://idp.boisestate.edu/idp/shibboleth",
    "https://idp.ncsa.illinois.edu/idp/shibboleth",
    "https://idp.ornl.gov/idp",
    "https://idp.scccd.edu/idp/shibboleth",
    "https://idp.und.edu/idp",
    "https://idp.weber.edu/idp",
    "https://idp.willamette.edu/idp",
    "https://idp2.unr.edu/idp/shibboleth",
    "https://idpz.utorauth.utoronto.ca/shibboleth",
    "https://login.cmu.edu/idp/shibboleth",
    "https://login.iit.edu/cas/idp",
    "https://shibb-idp.georgetown.edu/idp/shibboleth",
    "https://shibb.utpb.edu/idp/shibboleth",
    "https://shibboleth.uams.edu/idp/shibboleth",
    "https://shibboleth.uwyo.edu/idp/shibboleth",
    "https://singlesignon.gwu.edu/idp/shibboleth",
    "https://sso.hmc.edu/idp",
    "https://sso.humboldt.edu/idp/metadata",
    "https://sso.kean.edu/idp",
    "https://sso.mtu.edu/idp/shibboleth",
    "https://sso.nova.edu/idp",
    "https://sso.uncw.edu/idp",
    "https://sso.wcu.edu/idp",
    "urn:mace:incommon:berkeley.edu",
    "urn:mace:incommon:psu.edu",
    "urn:mace:incommon:ucmerced.edu",
    "urn:mace:incommon:uiuc.edu",
    "urn:mace:incommon:umd.edu",
    "urn:mace:incommon:unc.edu",
    "urn:mace:incommon:virginia.edu",
)

KNOWN = (*SOCIAL, *INSTITUTIONS)
