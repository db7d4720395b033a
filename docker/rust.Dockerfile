# `rust:1.95-bookworm` without a registry: Debian, a C compiler, and the toolchain of a machine that has one.
#
#   docker build -f docker/rust.Dockerfile -t rust:1.95-bookworm "$(rustc --print sysroot)"
#
# The context is the toolchain's own folder, so nothing is downloaded but Debian's packages.
FROM debian:bookworm-slim
RUN apt-get update -q \
    && apt-get install -q -y --no-install-recommends ca-certificates gcc g++ libc6-dev make perl pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY bin/ /usr/local/bin/
COPY lib/ /usr/local/lib/
RUN cargo --version && rustc --version
