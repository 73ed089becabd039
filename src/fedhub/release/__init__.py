"""The release: a hub as it runs on a cluster.

| module | knows |
|---|---|
| `verify` | whether login works at a hub, as seen from outside |
| `probes` | each thing that is looked at |
| `findings` | what was found of one of them |
| `report` | what is printed |
"""
