/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/mas_options.h"

#include <stddef.h>

#include "backends/mas/ulid.h"
#include "matrix/secret_file.h"
#include "net/url.h"

/* What is no base URL would otherwise be called url. */
static int
check_url(const char *option, const char *text, struct error *error)
{
    struct error unusable = {0};
    struct url url;

    if (text == NULL)
        return 0;
    if (url_parse(&url, text, &unusable) == 0) {
        url_free(&url);
        return 0;
    }
    if (unusable.kind == ERROR_MEMORY)
        return error_no_memory(error);
    return error_set(error, ERROR_INVALID, "%s: %.900s", option, unusable.text);
}

static int
check(const struct connection_options *given, struct error *error)
{
    bool has_secret =
        secret_given(&given->mas_client_secret) || given->mas_client_secret_path != NULL;
    char id[MAS_ID_SIZE];

    if (check_url("mas_url", given->mas_url, error) != 0 ||
        check_url("mas_admin_url", given->mas_admin_url, error) != 0)
        return -1;
    if (secret_given(&given->mas_token) && !secret_is_token(&given->mas_token))
        return error_set(error, ERROR_INVALID,
            "mas_token has characters that no token has (white space, a line end?)");
    if (given->mas_client_id != NULL && !ulid_read(id, given->mas_client_id))
        return error_set(error, ERROR_INVALID,
            "mas_client_id is the id of a client in Matrix Authentication Service's "
            "configuration, a ULID: 26 digits and letters, such as "
            "01GFWR28C4KNE04WG3HKXB7C9R");
    if (given->mas_client_id != NULL && !has_secret)
        return error_set(error, ERROR_INVALID,
            "mas_client_id needs mas_client_secret or mas_client_secret_path");
    return 0;
}

int
mas_options_apply(struct connection_options *given, struct mas_connection *mas,
    struct error *error)
{
    const struct engine_options engine = connection_options_engine(given);
    bool is_inside = given->mas_container != NULL;
    const struct mas_reach reach = {
        .into_container = is_inside,
        .use_proxy = given->use_proxy.value,
    };

    if (check(given, error) != 0)
        return -1;
    if (given->mas_client_secret_path != NULL &&
        secret_file_read(&given->mas_client_secret, given->mas_client_secret_path,
            "mas_client_secret_path", error) != 0)
        return -1;
    *mas = (struct mas_connection){
        .url = given->mas_url,
        .admin_url = given->mas_admin_url,
        .reach = reach,
        .admin_reach = reach,
        .client_id = given->mas_client_id,
        .client_secret =
            secret_given(&given->mas_client_secret) ? &given->mas_client_secret : NULL,
        .token = secret_given(&given->mas_token) ? &given->mas_token : NULL,
        .command_container = given->mas_container,
    };
    if (is_inside)
        connection_mas_into_container(mas, given->mas_container, &engine);
    return 0;
}
