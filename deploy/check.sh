#!/usr/bin/env bash
# Proves that a binary runs on every image of the platform: it asks for no loader and no shared library, and starts in a
# folder that holds nothing else. deploy/check.sh BINARY
set -euo pipefail
binary=$(realpath "${1:?usage: deploy/check.sh BINARY}")

if readelf --program-headers --wide "$binary" | grep -q INTERP; then
    echo "error: $binary asks for a loader" >&2
    exit 1
fi
if readelf --dynamic --wide "$binary" | grep -q NEEDED; then
    echo "error: $binary asks for shared libraries:" >&2
    readelf --dynamic --wide "$binary" | grep NEEDED >&2
    exit 1
fi

version=$("$binary" -V)
echo "static: $version, $(stat -c %s "$binary") bytes"

if [ "$(id -u)" = 0 ]; then
    empty=$(mktemp -d)
    trap 'rm -rf "$empty"' EXIT
    cp "$binary" "$empty/bootstrap"
    [ "$(chroot "$empty" /bootstrap -V)" = "$version" ]
    # Without settings it must say so and end with 2, which takes its whole start.
    status=0
    chroot "$empty" /bootstrap serve 2>"$empty/stderr" || status=$?
    [ "$status" = 2 ] || { cat "$empty/stderr" >&2; echo "error: expected exit 2, got $status" >&2; exit 1; }
    echo "runs in an empty root"
fi
