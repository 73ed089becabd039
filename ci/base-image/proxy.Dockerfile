# In place of quay.io/jupyterhub/configurable-http-proxy. The context is what npm installed.
FROM fedhub-base/singleuser
USER root
COPY node_modules/ /usr/local/lib/node_modules/
RUN ln -s ../lib/node_modules/.bin/configurable-http-proxy /usr/local/bin/configurable-http-proxy
USER 1000
EXPOSE 8000
CMD ["configurable-http-proxy"]
