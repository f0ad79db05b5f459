# SPDX-License-Identifier: GPL-3.0-or-later
# Users of a homeserver. The inventory is $REGISTRAR_INVENTORY if that is
# set, else inventory/hosts. More arguments go to ansible-playbook as they are:
# just promote alice --check --diff

# Parameters travel as environment variables, by their names. Nothing is put
# into a command, so no byte of a password can be misread, and no process list
# shows it.
set export := true
set shell := ["bash", "-uc"]

[private]
default:
    @{{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} --list --unsorted

# Register a user: NAME [PASSWORD] [yes|no]. yes: a server administrator
[no-exit-message]
register-user username password='' admin='' *options:
    @playbooks/one-user.sh register-user

# Change a user's password: NAME [PASSWORD]. Without PASSWORD it is asked for
[no-exit-message]
update-password username password='' *options:
    @playbooks/one-user.sh update-user-password

# Make a user a server administrator
[no-exit-message]
promote username *options:
    @playbooks/one-user.sh promote-user

# Make a server administrator an ordinary user
[no-exit-message]
demote username *options:
    @playbooks/one-user.sh demote-user

# Deactivate a user's account
[no-exit-message]
deactivate username *options:
    @playbooks/one-user.sh deactivate-user

# Deactivate the account that Registrar made for itself
[no-exit-message]
forget *options:
    @playbooks/one-user.sh forget-service-account

# See to all users that the inventory lists
[no-exit-message]
ensure-users *options:
    @playbooks/one-user.sh ensure-matrix-users-created

# Say in one line a host whether its homeserver can be worked with
[no-exit-message]
doctor *options:
    @playbooks/one-user.sh registrar-doctor

# Say where the homeserver is, and what opens it
[no-exit-message]
connection *options:
    @playbooks/one-user.sh registrar-connection
