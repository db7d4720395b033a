# What stands around the gates in docker/compose.yml, from Debian's packages on one base: a target for each.
# In a hospital these are the hospital's own.
FROM debian:bookworm-slim AS base
ENV DEBIAN_FRONTEND=noninteractive

FROM base AS haproxy
RUN apt-get update -q && apt-get install -q -y --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/*
USER haproxy
STOPSIGNAL SIGUSR1
ENTRYPOINT ["/usr/sbin/haproxy", "-W", "-db"]

FROM base AS nats
RUN apt-get update -q && apt-get install -q -y --no-install-recommends nats-server && rm -rf /var/lib/apt/lists/* \
    && install -d -o nats -g nats /var/lib/nats
USER nats
VOLUME /var/lib/nats
ENTRYPOINT ["/usr/sbin/nats-server"]

FROM base AS postgres
RUN apt-get update -q && apt-get install -q -y --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/* \
    && rm -rf /var/lib/postgresql/15 && install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data
COPY docker/postgres.sh /usr/local/bin/postgres.sh
USER postgres
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/sh", "/usr/local/bin/postgres.sh"]

FROM base AS stand-ins
RUN apt-get update -q && apt-get install -q -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 65530 stand-in && install -d -o stand-in -g stand-in /var/lib/stand-in
COPY docker/stand-ins/ /opt/stand-ins/
COPY config/sample/day/ /opt/day/
USER stand-in
VOLUME /var/lib/stand-in
ENTRYPOINT ["/usr/bin/python3", "-u"]

FROM base AS prometheus
RUN apt-get update -q && apt-get install -q -y --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/* \
    && install -d -o prometheus -g prometheus /var/lib/prometheus
# The files are mounted; what Prometheus would refuse of them ends the build already.
COPY docker/prometheus/ /etc/prometheus/orgate/
RUN promtool check config /etc/prometheus/orgate/prometheus.yml
USER prometheus
VOLUME /var/lib/prometheus
ENTRYPOINT ["/usr/bin/prometheus"]
