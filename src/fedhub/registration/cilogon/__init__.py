"""Registrations at CILogon: OA4MP's client management, for an administrative client.

| module | knows |
|---|---|
| `client` | create, show, list, update, claim, delete |
| `bearer` | the header that says who asks |
| `refusals` | the server's two forms of an error, and which error of ours each becomes |
"""
