#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# machine.sh ROOT PROGRAM ARGUMENT...: runs the program on a machine of which the
# folders that hold a deployment are those below ROOT, and the programs this
# one's. Called in a mount namespace of its own, which ends with the program.
set -eu

root=$1
shift
# What programs need, and where tests keep their files.
for folder in /usr /bin /sbin /lib /lib32 /lib64 /dev /proc /sys /tmp "$(dirname "$1")"; do
    if [ -L "$folder" ]; then
        [ -e "$root$folder" ] || cp -P "$folder" "$root$folder"
    elif [ -d "$folder" ]; then
        mkdir -p "$root$folder"
        mount --rbind "$folder" "$root$folder"
    fi
done
exec chroot "$root" "$@"
