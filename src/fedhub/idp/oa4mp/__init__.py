"""OA4MP's client management, at `/oauth2/oidc-cm` of the CILogon face.

An administrative client registers, shows, updates and deletes the clients of its hubs (RFC 7591 and
RFC 7592, as OA4MP has them: the bearer is the administrative client's id and secret). What is
registered here can log in at once, and what is deleted can't any more.

Two servers can be played, since it is not known which one CILogon runs: `5.5` and `6.3.2`. Status
codes, bodies, order of keys and the mistakes of both follow the source of ncsa/oa4mp at these tags;
no server that has the endpoint could be run beside it.

`endpoint` answers → `credentials` say who asks → `body` reads what is asked → `registry` keeps it
→ `shown` says it again; `replies` are the forms of an answer.

Not played: anonymous registration, custom client ids, logins of public clients, lifetimes with a
unit (`"1 month"`), signed requests (RFC 7523).
"""
