/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hashes of passwords in the PHC string format, as far as MAS's libraries write
 * it: $id[$v=version][$name=value,...]$salt$hash. What is read here comes from a
 * database and is computed with by hash.c.
 */
#ifndef REGISTRAR_BACKENDS_MAS_PHC_H
#define REGISTRAR_BACKENDS_MAS_PHC_H

#include <stdbool.h>
#include <stddef.h>

/* Enough for each that MAS's libraries take (the crate password-hash: Salt, Output). */
#define PHC_BYTES_MOST 64
#define PHC_ID_SIZE 33

enum phc_number {
    PHC_VERSION,    /* v */
    PHC_MEMORY,     /* m: KiB */
    PHC_PASSES,     /* t */
    PHC_LANES,      /* p */
    PHC_ITERATIONS, /* i */
    PHC_LENGTH,     /* l: of the hash, in bytes */
    PHC_NUMBERS     /* how many there are; not a number */
};

struct phc_bytes {
    unsigned char bytes[PHC_BYTES_MOST];
    size_t length;
};

struct phc {
    char id[PHC_ID_SIZE];
    long numbers[PHC_NUMBERS]; /* 0 to 4294967295, or -1: not said */
    struct phc_bytes data;     /* "data", or empty: not said */
    struct phc_bytes salt;
    struct phc_bytes hash;
};

/*
 * Reads a whole string, with salt and hash. False for anything that is malformed or has
 * a parameter that is none of the above; phc is for nobody then, but for wiping.
 */
bool phc_read(const char *text, struct phc *phc);

#endif
