# In place of quay.io/jupyterhub/k8s-hub. The context is what pip installed.
FROM fedhub-base/python
COPY . /
WORKDIR /srv/jupyterhub
RUN chown jovyan:jovyan /srv/jupyterhub && mkdir -p /usr/local/etc/jupyterhub
USER 1000
EXPOSE 8081
ENTRYPOINT ["tini", "--"]
CMD ["jupyterhub", "--config", "/usr/local/etc/jupyterhub/jupyterhub_config.py"]
