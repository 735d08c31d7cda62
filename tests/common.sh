# What the runners of tests in other languages share. They set `here` (their folder), `root` (that of the repository), `work`
# (where they keep what they install) and `scratch` (a folder for one run).

twin=

# outdated DIRECTORY FILE...: whether DIRECTORY was made from other contents of these files. Sets `pins`.
outdated() {
    local directory=$1
    shift
    pins=$(cat "$@" | sha256sum)
    [[ ! -f $directory/.pins || $(<"$directory/.pins") != "$pins" ]]
}

prepare_python() {
    local venv=$work/python
    outdated "$venv" "$here/requirements.txt" || return 0
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/requirements.txt"
    echo "$pins" >"$venv/.pins"
}

# build PACKAGE: builds the binary of that name and says where it is. As part of the tests of the workspace, so that nothing is built twice
# with other features.
build() {
    (cd "$root" && cargo test --workspace --no-run --message-format json-render-diagnostics) |
        python3 -c '
import json, sys
for message in map(json.loads, sys.stdin):
    if message["reason"] == "compiler-artifact" and message["executable"] and not message["profile"]["test"]:
        if message["target"]["name"] == sys.argv[1] and message["target"]["kind"] == ["bin"]:
            print(message["executable"])' "$1" | tail -n 1
}

# start_twin [OPTION...]: starts the local cloud: `twin_binary`, which is built where nobody did before.
start_twin() {
    local binary
    binary=${twin_binary:-$(build cloud-twin)}
    mkfifo "$scratch/ready"
    # The twin stops when descriptor 9, its standard input, is closed: even if this script is killed.
    mkfifo "$scratch/hold"
    "$binary" --exit-on-stdin-close "$@" <"$scratch/hold" >"$scratch/ready" &
    twin=$!
    exec 9>"$scratch/hold" 8<"$scratch/ready"
    if ! read -r CLOUD_TWIN <&8; then
        echo "cloud-twin ended before it was ready" >&2
        exit 1
    fi
    export CLOUD_TWIN
}

finish() {
    exec 9>&- 8<&-
    [[ -z $twin ]] || wait "$twin" || true
    rm -rf "$scratch"
}

# tally: adds up the lines `name passed failed` of this run; fails if any test did.
tally() {
    echo
    awk '{printf "%-8s %3d passed, %d failed\n", $1, $2, $3}' "$scratch/tally"
    awk '{passed += $2; failed += $3} END {print passed " passed, " failed " failed"; exit failed > 0}' "$scratch/tally"
}
