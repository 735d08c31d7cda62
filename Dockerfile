# The program with all features, in an image with nothing else in it.
#
#   docker build --build-arg BUILD_COMMIT="$(git log -1 --abbrev=12 --format='%h %cs')" --tag oms-bridge .

# As in rust-toolchain.toml.
FROM docker.io/library/rust:1.95.0-slim-bookworm AS build
# The components in rust-toolchain.toml are for checks.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /source
COPY . .
ARG BUILD_COMMIT
RUN built=$(packaging/static-build "$(rustc -vV | sed -n 's/^host: //p')" --features full) \
    && install -D "$built" /image/usr/bin/oms-bridge \
    && install -d /image/work

FROM scratch
COPY --from=build /image/usr /usr
# For lists of failed keys, which `copy` writes where it is started.
COPY --from=build --chown=65532:65532 /image/work /work
WORKDIR /work
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/oms-bridge"]
CMD ["--help"]
