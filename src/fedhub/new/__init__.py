"""A new hub: its values file from a template in `values/`, and its keys."""
