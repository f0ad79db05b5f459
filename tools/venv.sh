#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the virtual environment FOLDER from the REQUIREMENTS file, whose line
# "# python: MIN MAX" says which interpreters it may have. The folder is built
# anew and stamped last, so that one that was cut short is never taken for
# whole.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: tools/venv.sh REQUIREMENTS FOLDER" >&2
    exit 2
fi
requirements=$1
folder=$2
here=$(dirname "$0")

range=$(sed -n 's/^# python: *//p' "$requirements")
if [ -z "$range" ]; then
    echo "tools/venv.sh: $requirements has no line '# python: MIN MAX'" >&2
    exit 2
fi
# shellcheck disable=SC2086 # two words are meant
python=$("$here/find-python.sh" $range)

echo "  VENV    $folder ($("$python" --version))"
rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
log=$folder.log
if ! { "$python" -m venv "$folder" &&
    "$folder/bin/python" -m pip install --disable-pip-version-check --no-input \
        --progress-bar off --requirement "$requirements"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "tools/venv.sh: $folder could not be made; the whole log is in $log" >&2
    exit 1
fi
touch "$folder/.stamp"
