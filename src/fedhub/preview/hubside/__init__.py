"""What runs inside the preview's hub process: z2jh's part of a hub pod, played on a laptop.

Order, as in the pod: chart values, services and roles, `hub.config`,
`fedhub_authenticators.configure`, files in `jupyterhub_config.d`, `hub.extraConfig`. Only then
what makes it a preview: loopback addresses, local notebook servers, the embedded identity
provider in place of the real ones.
"""
