#!/usr/bin/env bash
# Builds the static binary that is deployed: deploy/build.sh FOLDER [TARGET] puts it there as `bootstrap`.
# No cloud twin in it (`--no-default-features`); linked against nothing, so any image runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:?usage: deploy/build.sh FOLDER [TARGET]}
target=${2:-x86_64-unknown-linux-gnu}

RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
    cargo build --locked --profile dist --package oms-bridge --no-default-features --target "$target"

mkdir -p "$out"
install -m 755 "${CARGO_TARGET_DIR:-target}/$target/dist/oms-bridge" "$out/bootstrap"
echo "built $out/bootstrap ($(stat -c %s "$out/bootstrap") bytes)"
