"""Custos' tenant management v1.0.0, at `/apiserver/tenant-management/v1.0.0` of the legacy face.

Anybody may request a tenant; the super tenant's administrator activates it. Who has an active
tenant's credentials may request another below it, which is active at once. Looking at a tenant,
changing and deleting it takes a person's token: its owner's, or the super tenant's. Routes and
messages are those that `custos-sdk` ships; conduct and words those of
apache/airavata-custos@9013b6981.

`endpoint` answers → `callers` say who asks → `messages` read what is asked and say it again →
`registry` keeps it → `owners` sign in, by password; `institutions` is the list that people are
shown.

Not played: roles, protocol mappers, events, messaging, e-mails, audit trails. And one mistake is
not: Custos lets anybody's token of any realm see, change and delete a tenant that has none above.
"""
