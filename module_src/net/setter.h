/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How libcurl is told many things in a row. */
#ifndef REGISTRAR_NET_SETTER_H
#define REGISTRAR_NET_SETTER_H

#include <curl/curl.h>

/* Sets an option of the handle `curl`. libcurl's setters return one code each; the
 * first that fails stays in `code`. */
#define SET(option, value)                                                                 \
    do {                                                                                   \
        if (code == CURLE_OK)                                                              \
            code = curl_easy_setopt(curl, option, value);                                  \
    } while (0)

#endif
