# Python, laid out as in z2jh's images: everything below /usr/local, and a user jovyan.
ARG DEBIAN=fedhub-base/debian:bookworm
FROM ${DEBIAN}
RUN python3 -m venv /usr/local \
 && useradd --create-home --uid 1000 --shell /bin/bash jovyan
