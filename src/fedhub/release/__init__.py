"""The release: a hub as it runs on a cluster, and what it takes to get it there.

`rollout` is a hub's whole way there; start with it.

| module | knows |
|---|---|
| `target` | where a hub is installed: release, namespace, context |
| `chart` | which chart it is installed with |
| `helm` | how helm gets a hub's values: through pipes |
| `kubectl` | what a cluster says beside that |
| `refusal` | what helm refuses, at its place in the values |
| `manifests` | the objects that helm makes |
| `render` | these, the same bytes every time, with no secret readable |
| `folder` | the same as files, for GitOps |
| `installed` | what helm keeps of a release, and what an upgrade would make of it |
| `compare`, `diff` | how the two differ, with no secret shown |
| `deploy` | how helm installs it, and takes back what does not come up |
| `watch`, `pods` | why it did not |
| `rollout` | checked, deployed, verified |
| `fleet` | the same for many hubs |
| `verify` | whether login works at a hub, as seen from outside |
| `probes` | each thing that is looked at |
| `doctor` | what works from this machine |
| `findings` | what was found of one of them |
| `report` | what is printed |
"""
