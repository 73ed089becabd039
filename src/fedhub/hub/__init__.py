"""The Hub object: a hub's values files, loaded once, merged as Helm does, with positions.

Start with `load_hub`; `Hub` is what every command works on. `document` reads one file, `scalars`
knows what Helm takes a scalar for, `merge` merges, `encrypted` asks sops, `model` describes
`global.fedhub`.
"""

from fedhub.hub.load import load_hub
from fedhub.hub.merge import KeyPath
from fedhub.hub.values import Hub, ValuesFile

__all__ = ["Hub", "KeyPath", "ValuesFile", "load_hub"]
