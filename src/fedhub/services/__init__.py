"""Applications that log in through a hub: declared, handed over, given a new secret, removed."""
