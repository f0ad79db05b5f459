/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One program for all modules: Ansible calls it with a file of arguments, an
 * administrator may ask it what it can do.
 */
/* prctl is Linux'; RLIMIT_CORE covers the rest. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "ansible/module_call.h"
#include "ansible/options.h"
#include "ansible/reply.h"
#include "backends/capabilities.h"
#include "backends/discovery.h"
#include "base/memory.h"
#include "base/stop.h"
#include "modules/location.h"
#include "modules/matrix_connection_info.h"
#include "modules/matrix_user.h"

#define VERSION "0.1.0"

static const struct module *const modules[] = {
    &matrix_user_module, &matrix_connection_info_module, NULL};

static const struct module *
find_module(const char *name)
{
    for (size_t i = 0; modules[i] != NULL; i++)
        if (strcmp(modules[i]->name, name) == 0)
            return modules[i];
    return NULL;
}

/* A core file would hold passwords, and so would what a debugger sees. The
 * leak checker of the sanitizer builds is a debugger, so they go without. */
static void
forbid_core_files(void)
{
    const struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* libpq takes in whatever length a server announces: one row may have 1 GiB, and is
 * whole in memory before there is anything to refuse. A sanitizer's shadow is
 * memory, too. */
#define MOST_MEMORY ((rlim_t)256 << 20)

static void
limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    struct rlimit limit;

    if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur < MOST_MEMORY)
        return;
    limit.rlim_cur = MOST_MEMORY;
    setrlimit(RLIMIT_DATA, &limit);
#endif
}

static int
fail(const struct error *error)
{
    struct redaction nothing = {0};
    json_t *reply = json_pack("{s:b}", "changed", 0);
    int status;

    if (reply != NULL && reply_add_error(reply, error) != 0) {
        json_decref(reply);
        reply = NULL;
    }
    status = reply_print(reply, &nothing);
    json_decref(reply);
    return status;
}

static int
run_module(const char *program, const char *arguments)
{
    struct module_call call = {0};
    struct error error = {0};
    const struct module *module;
    const char *name;
    int status;

    if (stop_watch() != 0) {
        error_set(&error, ERROR_INTERNAL, "no pipe can be made on this machine");
        return fail(&error);
    }
    if (module_call_read(&call, arguments, &error) != 0) {
        status = fail(&error);
        goto out;
    }
    name = module_call_name(&call, program);
    module = find_module(name);
    if (module == NULL) {
        error_set(&error, ERROR_INVALID, "Registrar has no module called \"%.60s\"", name);
        status = fail(&error);
        goto out;
    }
    status = module->run(&call);
out:
    module_call_free(&call);
    return status;
}

/* For people: JSON on several lines. */
static int
print_json(json_t *value)
{
    int status = value != NULL && json_dumpf(value, stdout, JSON_INDENT(2)) == 0 ? 0 : 1;

    puts("");
    json_decref(value);
    return status;
}

static int
print_capabilities(void)
{
    json_t *servers = json_array();
    json_t *options = json_object();

    for (int server = 0; server < SERVERS; server++)
        json_array_append_new(servers,
            json_string(capabilities_server_name((enum server)server)));
    for (size_t i = 0; i < capabilities_count; i++) {
        json_t *able = json_array();

        for (int server = 0; server < SERVERS; server++)
            if ((capabilities_table[i].servers & SERVER_BIT(server)) != 0)
                json_array_append_new(able,
                    json_string(capabilities_server_name((enum server)server)));
        json_object_set_new(options, capabilities_table[i].option, able);
    }
    return print_json(json_pack("{s:o, s:o}", "servers", servers, "options", options));
}

/* What a task that says nothing of a server would find. */
static int
discover(void)
{
    const struct discovery_options options = {.engine = {.timeout_ms = 30000}};
    struct found found = {0};
    struct error error = {0};
    int status;

    if (discovery_run(&options, &found, &error) == 0) {
        status = print_json(location_describe(&found));
    } else {
        fprintf(stderr, "registrar: %s\n", error.text);
        status = 1;
    }
    found_free(&found);
    return status;
}

static int
usage(void)
{
    fputs("usage: registrar --options MODULE   the module's options, as JSON\n"
          "       registrar --capabilities     what works on which server, as JSON\n"
          "       registrar --discover         the homeserver of this machine, as JSON\n"
          "       registrar --version\n"
          "       MODULE ARGUMENTS-FILE        as Ansible calls it\n",
        stderr);
    return 2;
}

int
main(int argc, char **argv)
{
    forbid_core_files();
    limit_memory();
    json_set_alloc_funcs(memory_allocate, memory_free);
    if (argc == 3 && strcmp(argv[1], "--options") == 0) {
        const struct module *module = find_module(argv[2]);

        return module == NULL ? usage() : print_json(options_describe(module->schema));
    }
    if (argc == 2 && strcmp(argv[1], "--capabilities") == 0)
        return print_capabilities();
    if (argc == 2 && strcmp(argv[1], "--discover") == 0)
        return discover();
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("registrar " VERSION) < 0;
    if (argc != 2 || argv[1][0] == '-')
        return usage();
    return run_module(argv[0], argv[1]);
}
