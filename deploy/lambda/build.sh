#!/usr/bin/env bash
# Builds what template.yaml deploys: deploy/lambda/build.sh [x86_64|arm64] makes target/lambda/oms-bridge.zip, by default for x86_64
# as the template does. For an architecture that is not this machine's, cargo needs a linker: see README.md beside this file.
set -euo pipefail
cd "$(dirname "$0")/../.."

case ${1:-x86_64} in
    arm64) target=aarch64-unknown-linux-gnu ;;
    x86_64) target=x86_64-unknown-linux-gnu ;;
    *) echo "usage: deploy/lambda/build.sh [x86_64|arm64]" >&2 && exit 2 ;;
esac
folder=target/lambda/$target
zip=$PWD/target/lambda/oms-bridge.zip

deploy/build.sh "$folder" "$target"
# The same binary gives the same archive, so that nothing is deployed anew without a reason.
touch --date=@315532800 "$folder/bootstrap"
rm -f "$zip"
(cd "$folder" && TZ=UTC zip --quiet -X "$zip" bootstrap)
echo "built ${zip#"$PWD"/} for ${target%%-*} ($(stat -c %s "$zip") bytes)"
