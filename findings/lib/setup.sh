# Sourced by the scripts beside this folder: a temporary folder that is removed at the end, pinned packages in it, none of the caller's settings.
set -euo pipefail
lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset "${!AWS_@}" "${!ALIBABA_CLOUD_@}" "${!OSS_@}" TZ
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 AWS_EC2_METADATA_DISABLED=true PYTHONPATH=$lib PYTHONWARNINGS=ignore NODE_NO_WARNINGS=1
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null

# pip_install FOLDER PACKAGE==VERSION...
pip_install() {
  local folder=$work/$1
  shift
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
}

# npm_install PACKAGE@VERSION...
npm_install() {
  npm install --prefix "$work" --silent --no-audit --no-fund "$@" >/dev/null
}

# run_python FOLDER [ARGUMENT...] < PROGRAM
run_python() {
  local folder=$work/$1
  shift
  timeout 120 "$folder/bin/python" - "$@"
}

# run_node [ARGUMENT...] < PROGRAM
run_node() {
  cp "$lib/answering.mjs" "$work/"
  cat >"$work/program.mjs"
  timeout 120 node "$work/program.mjs" "$@"
}
