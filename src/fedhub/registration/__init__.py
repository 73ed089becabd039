"""Registrations: a hub's OAuth clients at its providers.

`command` is what `fedhub register` calls; it locks the folder, loads the hub and hands a `Job` to
one of the commands.

| module | knows |
|---|---|
| `create`, `update`, `rotate`, `delete`, `adopt` | what a command does, step by step |
| `settle` | finishing what a command before was cut off in |
| `job` | what a command works with, and what it ends in |
| `sync`, `apply` | a folder's plan, and carrying it out |
| `overview` | registered, wanted and stored, side by side |
| `targets`, `wanted` | what a hub asks to be registered |
| `stored` | where its id and secret are kept |
| `journal` | what is begun and not finished, encrypted |
| `settings`, `admin_credentials`, `opened` | who registers a folder's hubs, and with what |
| `folder` | all hubs of a folder |
| `login_redirect` | which client a running hub uses |
| `text` | what is printed |

The providers:

| module | knows |
|---|---|
| `clients` | what every provider's registrations have in common |
| `cilogon` | CILogon's client management |
| `keycloak` | the clients of a Keycloak realm: create, show, list, update, delete |
| `custos` | Custos' tenants: request, credentials, institutions; show, update, delete, activate |
| `tenants` | a hub's tenant at Custos: what the commands do with it |
| `search` | all clients of an administrator, and the one with a tag |
| `tag` | whose a registration is: the text in its `comment` |
| `admin` | the administrative client's credentials |
| `calls` | one request: when it is sent again, and what an answer that can't be read may mean |
| `refusal` | how a server said no |
| `errors` | what can go wrong |
"""
