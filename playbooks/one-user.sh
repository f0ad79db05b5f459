#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the recipes share: runs one tag of the playbook, for one user or for what
# the inventory lists. The recipe's parameters come in the environment (username,
# password, admin, options) and go on in it, under names that the playbook asks
# for. A password that is missing is asked for. It is never an argument, and
# never in a file. The service account's name is the inventory's to know.
# REGISTRAR_PLAYBOOK names a play file elsewhere: that folder's inventory,
# ansible.cfg and ansible-playbook are used, and what is here is lent to it.
set -euo pipefail
# The words of $options are split, and never matched against files.
set -f

tag=$1
root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
    echo "$*" >&2
    exit 1
}

case $tag in
forget-service-account)
    username='' password='' admin=''
    [[ -z ${options-} || $options == -* ]] ||
        fail "just forget takes no name: it deactivates the service account. A user's account: just deactivate NAME."
    ;;
ensure-matrix-users-created | registrar-doctor | registrar-connection)
    username='' password='' admin=''
    [[ -z ${options-} || $options == -* ]] ||
        fail "This takes no name: it is about the whole inventory. One host of it: --limit=HOST."
    ;;
esac
username=${username?} password=${password-} admin=${admin-} options=${options-}

is_yes_or_no() {
    case ${1,,} in
    yes | no | true | false) true ;;
    *) false ;;
    esac
}

# Words that are options of ansible-playbook, and hardly anybody's password.
is_option() {
    case $1 in
    --check | --diff | --become | --verbose | --ask-* | --limit* | --extra-vars* | --user* | --vault-*) true ;;
    -C | -D | -CD | -DC | -b | -e | -k | -K | -l | -J | -u | -v | -vv | -vvv | -vvvv) true ;;
    *) false ;;
    esac
}

# NAME --check: the password was left out, and so was admin. Who means such a
# password says NAME --check no, or types it when asked.
if is_option "$password" && ! is_yes_or_no "$admin"; then
    options="$password $admin $options"
    password='' admin=''
fi
# NAME yes: it is more likely that the password was forgotten than that it is
# "yes". Who means it says NAME yes no.
if [[ $tag == register-user && (-z $admin || $admin == -*) ]] && is_yes_or_no "$password"; then
    options="$admin $options"
    admin=$password password=''
fi

if [[ $tag == register-user ]]; then
    if [[ $admin == -* ]]; then
        options="$admin $options"
        admin=
    fi
    admin=${admin:-no}
    is_yes_or_no "$admin" || fail "After the password comes yes (a server administrator) or no. A password with spaces belongs into quotes."
fi

# Sets password to a line that is typed or piped in.
ask_password() {
    local again
    if [[ ! -t 0 ]]; then
        IFS= read -r password || [[ -n $password ]] || fail "No password was given, and there is no terminal to ask at."
        return
    fi
    IFS= read -rsp "Password of $username: " password || fail "No password was given."
    echo >&2
    [[ -n $password ]] || fail "No password was given."
    IFS= read -rsp "The same again: " again || true
    echo >&2
    [[ $password == "$again" ]] || fail "These were two different passwords. Nothing was done."
}

case $tag in
register-user | update-user-password)
    password=${password:-${REGISTRAR_PASSWORD-}}
    [[ -n $password ]] || ask_password
    ;;
promote-user | demote-user)
    # On Conduit, the user's own. Nobody is asked for it: elsewhere none is needed.
    password=${REGISTRAR_PASSWORD-}
    ;;
esac

# Nothing that is started from here on gets to know these by two names.
export REGISTRAR_USERNAME=$username REGISTRAR_PASSWORD=$password REGISTRAR_ADMIN=$admin
playbook=${REGISTRAR_PLAYBOOK:-$root/playbooks/site.yml}
home=$root
[[ -z ${REGISTRAR_PLAYBOOK-} ]] || home=$(dirname "$playbook")
arguments=(--inventory "${REGISTRAR_INVENTORY:-$home/inventory/hosts}" "$playbook" --tags "$tag")
# shellcheck disable=SC2206 # words are meant
arguments+=($options)
unset username password admin options

tools=$root/build/venv/tools/bin/ansible-playbook
ansible_playbook=$(command -v ansible-playbook) || ansible_playbook=
if [[ -x $tools && ($home == "$root" || -z $ansible_playbook) ]]; then
    ansible_playbook=$tools
fi
[[ -n $ansible_playbook ]] || fail "ansible-playbook is missing. Install ansible-core 2.16 or newer, or run: make deps"
if [[ ! -x $root/library/matrix_user || ! -x $root/library/matrix_connection_info ]]; then
    env -u REGISTRAR_PASSWORD make --no-print-directory -C "$root" >&2
fi

export ANSIBLE_CONFIG=${ANSIBLE_CONFIG:-$home/ansible.cfg}
if [[ $home != "$root" ]]; then
    export REGISTRAR=$root
    export ANSIBLE_LIBRARY=$root/library${ANSIBLE_LIBRARY:+:$ANSIBLE_LIBRARY}
    export ANSIBLE_ROLES_PATH=$root/roles${ANSIBLE_ROLES_PATH:+:$ANSIBLE_ROLES_PATH}
fi
# What is left out is of no interest: of that playbook's roles, it is all tasks.
export ANSIBLE_DISPLAY_SKIPPED_HOSTS=${ANSIBLE_DISPLAY_SKIPPED_HOSTS:-false}
exec "$ansible_playbook" "${arguments[@]}"
