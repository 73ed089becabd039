"""Runs a hub on this machine: real JupyterHub, real proxy, embedded identity provider."""
