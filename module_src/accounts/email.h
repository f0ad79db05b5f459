/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * E-mail addresses in the form that homeservers store and compare them in
 * (MSC2265; Synapse, util/threepids.py). Sent in any other form, an address
 * would look different in every run, and a guard would not find whose it is.
 */
#ifndef REGISTRAR_ACCOUNTS_EMAIL_H
#define REGISTRAR_ACCOUNTS_EMAIL_H

/* How long an address may be, in code points: MAX_EMAIL_ADDRESS_LENGTH there.
 * The least is three, which one of our addresses always has. */
#define EMAIL_LONGEST 500

/*
 * Makes the canonical form of an address, for memory_free: white space around
 * it stripped, its local part case-folded, the ASCII letters of its domain in
 * lower case. Returns 0; -1 for what Synapse refuses (validate_email: not one
 * "@", too long) and for what could not be meant: nothing before or
 * behind the "@", control characters, a domain with capitals outside ASCII,
 * whose lower case depends on who is asked. Then reason says why, without the
 * address. -2: no memory.
 */
int email_canonical(const char *written, char **canonical, const char **reason);

#endif
