"""Applications that log in through a hub: declared, handed over, tried, rotated, removed."""
