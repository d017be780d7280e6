# The operator's image: one static binary, nobody's privileges, nothing else. tools/image/build.sh builds it.
#
# Both bases are pinned by the digest of their index for all platforms; the tag beside it is for people. The release
# looks at both before it builds (tools/image/check-bases.sh). Another registry or a base of your own: --build-arg.
ARG BUILD_BASE=docker.io/library/rust:1.95-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1
ARG RUN_BASE=gcr.io/distroless/static-debian13:nonroot@sha256:1c2c046bc09ed40fad370b599a0b1ae7987f55b01e247cf27a7c27cd97e5bbc7

FROM ${BUILD_BASE} AS build

# Writes the list of dependencies into the binary, for cargo audit, trivy and syft.
ARG CARGO_AUDITABLE=0.7.7
RUN cargo install --locked --version "${CARGO_AUDITABLE}" cargo-auditable

# Static against glibc: no toolchain besides the host's, glibc's threads and resolver (files and dns, which are built
# in), and jemalloc as in every other build. `--target` keeps the flags away from build scripts and macros.
ENV RUSTFLAGS="-C target-feature=+crt-static" \
    CARGO_PROFILE_RELEASE_STRIP=symbols \
    CARGO_TERM_COLOR=never
WORKDIR /src
RUN printf '%s\n' '#!/bin/sh' 'set -eu' \
      # Kernels of arm64 have pages of 4, 16 or 64 KiB; jemalloc runs on those up to the size it is built for.
      'if [ "$(uname -m)" = aarch64 ]; then export JEMALLOC_SYS_WITH_LG_PAGE=16; fi' \
      'target=$(rustc -vV | sed -n "s/^host: //p")' \
      'cargo auditable rustc --release --locked --bin connect-user-operator --target "$target" -- "$@"' \
      'cp "target/$target/release/connect-user-operator" /' \
      > /usr/local/bin/build-operator && chmod 755 /usr/local/bin/build-operator

# The dependencies, in a layer of their own: aws-sdk-connect alone takes minutes. Empty files stand for our sources.
COPY .cargo/config.toml .cargo/
COPY Cargo.toml Cargo.lock ./
COPY harness/Cargo.toml harness/
COPY simulator/Cargo.toml simulator/
RUN mkdir -p src/bin harness/src simulator/src tests/it benches/bench \
 && touch src/lib.rs harness/src/lib.rs simulator/src/lib.rs \
 && for main in src src/bin tests/it benches/bench; do echo 'fn main() {}' > "$main/main.rs"; done \
 && mv src/bin/main.rs src/bin/kubectl-connect.rs \
 && build-operator

# Our sources, newer than the empty files whatever the clone's clock said. Relocations in their short form save more than
# a megabyte; a linker that does not know it leaves them as they are.
COPY deploy/rbac.yaml deploy/
COPY src src
RUN find src -name '*.rs' -exec touch {} + && build-operator -C link-arg=-Wl,-z,pack-relative-relocs

FROM ${RUN_BASE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG SOURCE=
LABEL org.opencontainers.image.title="connect-user-operator" \
      org.opencontainers.image.description="Kubernetes operator that keeps Amazon Connect users as declared in ConnectUser objects" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
COPY LICENSE /licenses/connect-user-operator/LICENSE
COPY --from=build /connect-user-operator /usr/local/bin/connect-user-operator
# By number, so that runAsNonRoot can see that it is not root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/connect-user-operator"]
