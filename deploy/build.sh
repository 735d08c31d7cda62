#!/usr/bin/env bash
# Puts the static binary that is deployed into a folder, as `bootstrap`: deploy/build.sh FOLDER [TARGET]
#
# Builds it: no cloud twin in it (`--no-default-features`), linked against nothing, so any image runs it. With PREBUILT nothing is
# built and no Rust toolchain is needed: the path of such a binary, or of a release archive with it
# (oms-bridge-function-VERSION-TARGET.tar.gz of packaging/release, or the one with all features).
set -euo pipefail
out=${1:?usage: [PREBUILT=FILE] deploy/build.sh FOLDER [TARGET]}
prebuilt=${PREBUILT:+$(realpath "$PREBUILT")}
cd "$(dirname "$0")/.."
target=${2:-x86_64-unknown-linux-gnu}

mkdir -p "$out"
case $prebuilt in
    '')
        built=$(packaging/static-build "$target" --no-default-features)
        install -m 755 "$built" "$out/bootstrap"
        ;;
    *.tar.gz | *.tgz)
        # The binary is in a folder of the archive's name, or in none.
        member=$(tar -tzf "$prebuilt" | grep -E '^(\./)?([^/]+/)?(bin/)?(oms-bridge|bootstrap)$' | head -n 1) ||
            { echo "error: $prebuilt holds no oms-bridge" >&2 && exit 1; }
        tar -xzOf "$prebuilt" "$member" >"$out/bootstrap.new"
        install -m 755 "$out/bootstrap.new" "$out/bootstrap"
        rm "$out/bootstrap.new"
        ;;
    *) install -m 755 "$prebuilt" "$out/bootstrap" ;;
esac

# e_machine of an ELF file: 3e is x86-64, b7 is arm64. Another one, or no binary at all, would fail on the platform only.
case $(od -An -tx1 -N4 "$out/bootstrap" | tr -d ' ')$(od -An -tx1 -j18 -N1 "$out/bootstrap" | tr -d ' ') in
    7f454c463e) machine="a binary for x86_64" ;;
    7f454c46b7) machine="a binary for aarch64" ;;
    7f454c46*) machine="a binary for another machine" ;;
    *) machine="no binary for Linux" ;;
esac
if [ "$machine" != "a binary for ${target%%-*}" ]; then
    rm "$out/bootstrap"
    echo "error: ${prebuilt:-what was built} is $machine, and one for ${target%%-*} is needed" >&2
    exit 1
fi
echo "${prebuilt:+took $prebuilt: }$out/bootstrap ($(stat -c %s "$out/bootstrap") bytes)"
