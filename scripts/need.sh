#!/usr/bin/env bash
# Makes sure that programs are there: installs the packages of those that are not, or says how to.
#
#   scripts/need.sh cc cmake postgres
set -euo pipefail

# What is wanted, the Debian or Ubuntu package that brings it, and how to see that it is there.
present() {
    case $1 in
        clippy) cargo clippy --version ;;
        rustfmt) cargo fmt --version ;;
        # Debian keeps the server's programs off the path.
        postgres) command -v postgres || ls /usr/lib/postgresql/*/bin/postgres ;;
        venv) python3 -c 'import ensurepip, venv' ;;
        *) command -v "$1" ;;
    esac >/dev/null 2>&1
}
package() {
    case $1 in
        cc) echo build-essential ;;
        cmake) echo cmake ;;
        postgres) echo postgresql ;;
        redis-server) echo redis-server ;;
        python3) echo python3 ;;
        pip3) echo python3-pip ;;
        venv) echo python3-venv ;;
        node) echo nodejs ;;
        npm) echo npm ;;
        nginx) echo nginx ;;
        *) return 1 ;;
    esac
}

missing=()
packages=()
for want in "$@"; do
    present "$want" && continue
    case $want in
        cargo)
            echo "Rust is not installed. Install it from https://rustup.rs and run this again." >&2
            exit 1
            ;;
        clippy | rustfmt)
            rustup component add "$want" && continue
            echo "$want is not installed, and rustup cannot install it: add it to your Rust toolchain." >&2
            exit 1
            ;;
    esac
    packages+=("$(package "$want")") || { echo "scripts/need.sh does not know $want: add its package there." >&2; exit 1; }
    missing+=("$want")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then
    as_root=(sudo --non-interactive)
fi
if ! command -v apt-get >/dev/null || { [[ $EUID -ne 0 ]] && ! sudo --non-interactive true 2>/dev/null; }; then
    echo "Not installed: ${missing[*]}. On Debian or Ubuntu:" >&2
    echo "    sudo apt-get install ${packages[*]}" >&2
    echo "Elsewhere the packages have similar names. Then run this again." >&2
    exit 1
fi

echo "Installing ${packages[*]} for ${missing[*]}."
install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${packages[@]}")
"${as_root[@]}" "${install[@]}" || { "${as_root[@]}" apt-get update && "${as_root[@]}" "${install[@]}"; }
