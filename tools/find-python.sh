#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints the path of the newest Python between MIN and MAX (3.10 3.13, say)
# that really works here: on PATH, or among pyenv's versions. An interpreter
# is tried before it is taken, because a pyenv shim may stand on PATH for a
# version that is not there, and Debian's python3 may come without venv. One of
# a virtual environment is not taken, for it may be gone tomorrow.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: tools/find-python.sh MIN MAX (for example 3.10 3.13)" >&2
    exit 2
fi
oldest=${1#3.}
newest=${2#3.}

works() { # INTERPRETER MINOR
    "$1" -c "import ctypes, ensurepip, sqlite3, ssl, sys, venv
sys.exit(sys.version_info[:2] != (3, $2) or sys.prefix != sys.base_prefix)" >/dev/null 2>&1
}

minor=$newest
while [ "$minor" -ge "$oldest" ]; do
    for candidate in "$(command -v "python3.$minor" || true)" \
        "${PYENV_ROOT:-${HOME:-/nonexistent}/.pyenv}/versions/3.$minor".*/bin/"python3.$minor" \
        /usr/bin/"python3.$minor" "$(command -v python3 || true)" /usr/bin/python3; do
        [ -x "$candidate" ] || continue
        if works "$candidate" "$minor"; then
            # A shim answers by the folder that it is called from, so the
            # interpreter behind it is what the caller gets.
            "$candidate" -c 'import sys; print(sys.executable)'
            exit 0
        fi
    done
    minor=$((minor - 1))
done
echo "tools/find-python.sh: no working Python $1 to $2 (with its venv module) on PATH or in pyenv" >&2
exit 1
