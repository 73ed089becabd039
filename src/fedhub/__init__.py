"""fedhub: federated login for JupyterHub on Kubernetes, from the operator's side."""

__version__ = "0.1.0"
