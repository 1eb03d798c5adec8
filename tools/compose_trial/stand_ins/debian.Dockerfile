# A program of Debian's packages, with the user and the folder for data that its own image has.
ARG BASE
FROM ${BASE}
ARG PROGRAM
ARG DATA
COPY usr /usr
RUN ln -s "/usr/bin/${PROGRAM}" /program && install -d -o nobody -g nogroup "${DATA}"
USER nobody
ENTRYPOINT ["/program"]
