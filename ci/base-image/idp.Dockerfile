# What the embedded identity provider runs on; its own code is brought by the test. The context is
# what pip installed.
FROM fedhub-base/python
COPY . /
USER 1000
