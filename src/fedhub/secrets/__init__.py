"""A hub's own keys, and the encrypted file that holds them."""
