#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints the path of a Go that builds modules which want Go VERSION (1.23, say):
# on PATH, or where Debian's versioned packages and Go's own archive put it. From
# 1.21 on, an older one does, too, unless it was told not to fetch a newer one.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: tools/find-go.sh VERSION (for example 1.23)" >&2
    exit 2
fi

at_least() { # VERSION WANTED
    [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

for candidate in "$(command -v go || true)" /usr/local/go/bin/go /usr/lib/go-*/bin/go; do
    [ -x "$candidate" ] || continue
    # What it is itself, whatever a go.mod in this folder asks for.
    version=$(GOTOOLCHAIN=local "$candidate" env GOVERSION 2>/dev/null) || continue
    version=${version#go}
    if at_least "$version" "$1" ||
        { at_least "$version" 1.21 && [ "$("$candidate" env GOTOOLCHAIN)" != local ]; }; then
        echo "$candidate"
        exit 0
    fi
done
echo "tools/find-go.sh: no Go here that builds what wants $1" >&2
exit 1
