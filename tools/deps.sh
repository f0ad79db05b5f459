#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Sees to it that what the given jobs need is on this machine: build, python,
# test, dendrite, postgres, check, bench. It looks for the things themselves, not
# for packages. On Debian and its kin, missing ones are installed by apt-get,
# without a question; elsewhere it says what to install. With nothing missing it
# says and does nothing.
set -eu

here=$(dirname "$0")
missing_packages=
missing_things=

need() { # PACKAGE THING TEST...: Debian's name, everybody's name, how to tell
    package=$1
    thing=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        missing_packages="$missing_packages $package"
        missing_things="$missing_things
  - $thing"
    fi
}

has_command() { command -v "$1"; }
has_library() { pkg-config --exists "$1"; }
has_libc_headers() { echo '#include <stdlib.h>' | gcc -E -; }
has_sanitizers() {
    echo 'int main(void) { return 0; }' | gcc -fsanitize=address,undefined -x c -o "${TMPDIR:-/tmp}/registrar-probe.$$" - &&
        rm "${TMPDIR:-/tmp}/registrar-probe.$$"
}

has_fuzzer() {
    echo 'int LLVMFuzzerTestOneInput(const char *b, long n) { return n < 0 && b[0]; }' |
        clang -fsanitize=fuzzer,address,undefined -x c -o "${TMPDIR:-/tmp}/registrar-probe.$$" - &&
        rm "${TMPDIR:-/tmp}/registrar-probe.$$"
}

has_go() { "$here/find-go.sh" 1.23; }
has_postgres() { has_command postgres || ls /usr/lib/postgresql/*/bin/postgres; }

look() {
    missing_packages=
    missing_things=
    for job in "$@"; do
        case $job in
        build)
            need gcc "gcc" has_command gcc
            need g++ "g++, for one file" has_command g++
            need libc6-dev "the C library's headers" has_libc_headers
            need make "GNU make" has_command make
            need pkg-config "pkg-config" has_command pkg-config
            need libjansson-dev "jansson, with headers" has_library jansson
            need libcurl4-openssl-dev "libcurl, with headers" has_library libcurl
            need libssl-dev "OpenSSL's libcrypto, with headers" has_library libcrypto
            need libutf8proc-dev "utf8proc, with headers" has_library libutf8proc
            need libtomlplusplus-dev "toml++, which is headers" has_library tomlplusplus
            need libyaml-dev "libyaml, with headers" has_library yaml-0.1
            need libpq-dev "libpq, with headers" has_library libpq
            need libcrypt-dev "libcrypt (libxcrypt), with headers" has_library libcrypt
            need libargon2-dev "libargon2, with headers" has_library libargon2
            ;;
        python)
            need "python3 python3-venv" "Python 3.11 or newer, with venv" \
                "$here/find-python.sh" 3.11 3.14
            ;;
        test)
            need libcmocka-dev "cmocka, with headers" has_library cmocka
            need valgrind "valgrind" has_command valgrind
            need iproute2 "ip, of iproute2" has_command ip
            need util-linux "unshare and nsenter, of util-linux" has_command nsenter
            need gcc "gcc's address and undefined-behaviour sanitizers" has_sanitizers
            need "clang libclang-rt-dev" "clang, with libFuzzer and its sanitizers" has_fuzzer
            need "python3 python3-venv" \
                "a Python from 3.10 to 3.12, with venv (for the oldest supported ansible-core and Synapse)" \
                "$here/find-python.sh" 3.10 3.12
            ;;
        dendrite)
            need golang-go "Go 1.23 or newer (or 1.21, where it may fetch a newer one)" has_go
            ;;
        postgres)
            need postgresql "PostgreSQL's server" has_postgres
            need openssl "openssl" has_command openssl
            ;;
        check)
            need clang "clang" has_command clang
            ;;
        bench)
            need curl "curl" has_command curl
            ;;
        *)
            echo "tools/deps.sh: no such job: $job (build, python, test, dendrite, postgres, check, bench)" >&2
            exit 2
            ;;
        esac
    done
}

give_up() {
    echo "These are needed, and not here:$missing_things" >&2
    exit 1
}

look "$@"
[ -n "$missing_packages" ] || exit 0

if ! command -v apt-get >/dev/null; then
    give_up
fi
if [ "$(id -u)" = 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "To install what is missing: sudo apt-get install$missing_packages" >&2
    give_up
fi

echo "  APT    $missing_packages"
log=$here/../build/apt.log
mkdir -p "${log%/*}"
: >"$log"
apt_get() {
    # shellcheck disable=SC2086 # no word, or two
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get --quiet --quiet "$@" >>"$log" 2>&1
}
# The lists may be old or absent; where they cannot be had, what is there may do.
apt_get update || true
# shellcheck disable=SC2086 # a list of words is meant
if ! apt_get install --yes --no-install-recommends $missing_packages; then
    tail -n 20 "$log" >&2
    echo "tools/deps.sh: apt-get failed; the whole log is in build/apt.log" >&2
fi
look "$@"
[ -z "$missing_packages" ] || give_up
