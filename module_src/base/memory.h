/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program's allocator. Every block is zeroed before it goes back to the
 * C library, because any of them may have held a secret; jansson and libcurl
 * are told to use it too (main.c and net/http.c). Blocks must be released
 * with memory_free, never with free.
 *
 * It also serves the tests: memory_fail_at() makes one allocation fail.
 */
#ifndef REGISTRAR_BASE_MEMORY_H
#define REGISTRAR_BASE_MEMORY_H

#include <stddef.h>

/* As malloc: size bytes, or NULL. memory_allocate(0) gives a unique block. */
void *memory_allocate(size_t size);

/* As calloc: count * size zeroed bytes, or NULL (also when that overflows). */
void *memory_zeroed(size_t count, size_t size);

/* As realloc, except that the old block is zeroed when the block moves. */
void *memory_resize(void *block, size_t size);

/* Copies a string; NULL when memory is short. */
char *memory_copy_string(const char *string);

/* Copies length bytes and adds a NUL; NULL when memory is short. */
char *memory_copy(const void *bytes, size_t length);

/* Zeroes the block and releases it. NULL is allowed. */
void memory_free(void *block);

/* Zeroes bytes in a way the compiler does not remove. */
void memory_wipe(void *bytes, size_t length);

/*
 * Zeroes the next 32 KiB of the stack, where functions that have returned left
 * what they had. Among them is the dynamic linker: it binds a library's calls
 * when they are first made, and saves there all registers that a memcpy() of a
 * secret went through.
 */
void memory_wipe_stack(void);

/*
 * How many allocations failed so far. Libraries report a failed allocation in
 * many ways; this tells that there was one.
 */
size_t memory_failures(void);

/*
 * For tests: the nth allocation from now (1 is the next) fails, later ones
 * succeed again; 0 switches this off. Returns how many allocations had
 * happened since the last call.
 */
size_t memory_fail_at(size_t nth);

#endif
