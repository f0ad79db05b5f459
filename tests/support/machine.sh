#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# machine.sh ROOT USER PROGRAM ARGUMENT...: runs the program, as a user with that
# number, on a machine of which the folders that hold a deployment are those below
# ROOT, and the programs this one's. Called in a mount namespace of its own, which
# ends with the program.
set -eu

root=$1
user=$2
shift 2
# A file of arguments lies in a folder of its user's.
if [ "$user" != 0 ] && [ -f "${2-}" ]; then
    chown "$user" "$2" "$(dirname "$2")"
fi
# What programs need, and where tests keep their files.
for folder in /usr /bin /sbin /lib /lib32 /lib64 /dev /proc /sys /tmp "$(dirname "$1")"; do
    if [ -L "$folder" ]; then
        [ -e "$root$folder" ] || cp -P "$folder" "$root$folder"
    elif [ -d "$folder" ]; then
        mkdir -p "$root$folder"
        mount --rbind "$folder" "$root$folder"
    fi
done
exec chroot --groups= --userspec="$user:$user" "$root" "$@"
