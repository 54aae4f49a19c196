# Sourced by scripts/demo and scripts/test: makes .venv and says what it does.
set -eu
cd "$(dirname "$0")/.."

say() { printf '==> %s\n' "$*"; }

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

is_root() { [ "$(id -u)" -eq 0 ]; }

# Debian packages, without starting the services they bring.
apt_install() {
    say "installing with apt-get: $*"
    made_policy=
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        made_policy=1
    fi
    status=0
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null || status=$?
    [ -z "$made_policy" ] || rm -f /usr/sbin/policy-rc.d
    return "$status"
}

# need_programs PROGRAM:PACKAGE...  installs what is missing, or says what to install; never fails.
need_programs() {
    missing=
    for pair in "$@"; do
        program=${pair%%:*}
        if ! PATH="$PATH:/usr/sbin:$(echo /usr/lib/postgresql/*/bin)" command -v "$program" >/dev/null 2>&1; then
            case " $missing " in *" ${pair#*:} "*) ;; *) missing="$missing ${pair#*:}" ;; esac
        fi
    done
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    if is_root && command -v apt-get >/dev/null 2>&1 && apt_install $missing; then
        return 0
    fi
    say "not installed:$missing"
    say "to have them: sudo apt-get install --no-install-recommends$missing"
}

# need_node_programs FOLDER  installs what its package-lock.json says, or says that npm is missing; never fails.
need_node_programs() {
    [ ! "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] || return 0
    if command -v npm >/dev/null 2>&1; then
        say "installing with npm into $1"
        npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --loglevel=error && return 0
    fi
    say "not installed: the programs of $1; to have them: npm ci --prefix $1"
}

# make_venv PIP_ARGUMENT...  a fresh or existing .venv with ebbtide in it.
make_venv() {
    python=${PYTHON:-python3}
    command -v "$python" >/dev/null 2>&1 || fail "$python is not installed; ebbtide needs Python 3.11 or newer"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "ebbtide needs Python 3.11 or newer; this is $("$python" --version). Set PYTHON=/path/to/python3.11"
    if [ ! -x .venv/bin/pip ]; then
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            if is_root && command -v apt-get >/dev/null 2>&1; then
                apt_install python3-venv
            else
                fail "Python's venv module is missing: sudo apt-get install python3-venv"
            fi
        fi
        say "making .venv"
        "$python" -m venv .venv
        .venv/bin/pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
    fi
    say "installing ebbtide into .venv"
    .venv/bin/pip install -q --disable-pip-version-check "$@"
}
