/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a file of secrets may stand: in a folder that nobody but its owner and
 * root can put something else into, below folders of which the same is true.
 */
#ifndef REGISTRAR_MATRIX_PRIVATE_FOLDER_H
#define REGISTRAR_MATRIX_PRIVATE_FOLDER_H

#include "base/error.h"

/*
 * Opens the folder that path, a file's, names, for close(). One that is missing
 * is made, for us alone; only one. Symbolic links are followed, and then the
 * real folder and every one above it are looked at: each belongs to us or to
 * root, and can be written by nobody else. Above the folder itself, a sticky
 * one (/tmp) may be.
 * *folder is -1 without an error when there is none and none can be made, or
 * ours is no permission to look into it; *obstacle is the errno that says why.
 * Errors: invalid (unsafe, a name that cannot be).
 */
int private_folder_open(const char *path, int *folder, int *obstacle, struct error *error);

/* The file's name within the folder: what stands behind the last slash. */
const char *private_folder_name_in(const char *path);

#endif
