"""Custos' tenants, v1.0.0: what a hub that logs people in through Custos is registered as.

A tenant is requested by anybody, and approved by Custos' administrators. Until then its credentials
open nothing. With `flavour: legacy` a hub uses the secret that Custos tells once; with `v1` and
`keycloak` the one that Keycloak makes when the tenant is activated, which can be asked for from
then on.

| module | knows |
|---|---|
| `client` | what a tenant may do with its own id and secret: request, credentials, institutions |
| `administration` | what takes a person: show, update, delete, list, activate |
| `replies` | Custos' messages, read with suspicion |
| `refusals` | gRPC's errors, and which error of ours each becomes |
| `bearers` | the two headers |

Routes and messages are those of `custos-sdk`'s descriptors; who may do what is from
apache/airavata-custos@9013b6981.
"""
