"""A hub's tenant at Custos: request it, wait for approval, take up what it is given.

Custos tells a tenant's secret once, and only its own administrators can list tenants. So a request
whose answer is lost can't be looked up by whoever made it: the journal keeps its tag, by which
those administrators find it.

| module | knows |
|---|---|
| `command` | what the commands do with a hub's name |
| `target` | what a hub asks of a tenant, and where it keeps what it is given |
| `job` | what a command works with |
| `request`, `status`, `activate` | the three steps |
| `update` | making a tenant match the hub's values |
| `institutions` | which ones people are shown |
| `lost` | the request whose answer was lost |
"""
