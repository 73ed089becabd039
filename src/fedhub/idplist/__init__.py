"""CILogon's list of institutions: read, kept for a day, and searched.

`fedhub idp search` must answer while somebody types: nothing here imports at the top what a list
that is already kept does not need.
"""
