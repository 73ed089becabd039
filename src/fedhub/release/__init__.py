"""The release: a hub as it runs on a cluster, and what it takes to get it there.

| module | knows |
|---|---|
| `verify` | whether login works at a hub, as seen from outside |
| `probes` | each thing that is looked at |
| `doctor` | what works from this machine |
| `findings` | what was found of one of them |
| `report` | what is printed |
"""
