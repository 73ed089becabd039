"""Registrations: a hub's OAuth clients at its providers.

| module | knows |
|---|---|
| `clients` | what every provider's registrations have in common |
| `cilogon` | CILogon's client management: create, show, list, update, delete |
| `custos` | Custos' tenants: request, credentials, institutions; show, update, delete, activate |
| `tenants` | a hub's tenant at Custos: what the commands do with it |
| `wanted` | what a hub asks a registration for, as attributes |
| `search` | all clients of an administrator, and the one with a tag |
| `tag` | whose a registration is: the text in its `comment` |
| `admin` | the administrative client's credentials, and the header made of them |
| `calls` | one request: when it is sent again, and what an answer that can't be read may mean |
| `refusals` | the server's two forms of an error, and which error of ours each becomes |
| `errors` | what can go wrong |
"""
