#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds Dendrite's programs into FOLDER/bin, as the module MODULE requires them:
# exactly that, or not at all. The folder is stamped last, so that a build that was
# cut short is never taken for whole.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: tools/dendrite.sh MODULE FOLDER" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$1"
go=$("$here/find-go.sh" "$(sed -n 's/^go //p' go.mod)")
programs=$(sed -n 's/^[[:space:]]*_ "\(.*\)"$/\1/p' tools.go)

echo "  GO      $folder ($("$go" version))"
rm -rf "$folder/bin" "$folder/.stamp"
# shellcheck disable=SC2086 # a list of words is meant
if ! GOBIN=$folder/bin "$go" install -mod=readonly -trimpath $programs >"$folder/build.log" 2>&1; then
    tail -n 30 "$folder/build.log" >&2
    echo "tools/dendrite.sh: Dendrite was not built; the whole log is in $folder/build.log" >&2
    exit 1
fi
touch "$folder/.stamp"
