/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Types of YAML 1.1 (https://yaml.org/type/), in the form that PyYAML 6.0 has
 * given them: lib/yaml/resolver.py for what a plain scalar is taken for,
 * SafeConstructor in lib/yaml/constructor.py for what it then is.
 */
#include "base/config_scalar.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define TIME \
    "([Tt]|[ \t]+)[0-9][0-9]?:[0-9]{2}:[0-9]{2}(\\.[0-9]*)?" \
    "([ \t]*(Z|[-+][0-9][0-9]?(:[0-9]{2})?))?"

/* No text fits two of those that are resolved. */
static const struct {
    enum config_tag tag;
    bool is_resolved; /* or only taken when the tag is given */
    const char *pattern;
} table[] = {
    {TAG_NULL, true, "^(~|null|Null|NULL|)$"},
    {TAG_BOOLEAN, true,
        "^(yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$"},
    {TAG_INTEGER, true,
        "^([-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|"
        "[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+)$"},
    {TAG_REAL, true,
        "^([-+]?[0-9][0-9_]*\\.[0-9_]*([eE][-+][0-9]+)?|\\.[0-9][0-9_]*([eE][-+][0-9]+)?|"
        "[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\\.[0-9_]*|"
        "[-+]?\\.(inf|Inf|INF)|\\.(nan|NaN|NAN))$"},
    {TAG_TIMESTAMP, true,
        "^([0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?" TIME ")$"},
    /* What Python's float() takes besides. */
    {TAG_REAL, false,
        "^[-+]?([0-9][0-9_]*(\\.[0-9_]*)?|\\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?$"},
    {TAG_TIMESTAMP, false, "^[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(" TIME ")?$"},
};

static const char prefix[] = "tag:yaml.org,2002:";

static const char *const names[TAGS] = {
    [TAG_NULL] = "null",
    [TAG_BOOLEAN] = "bool",
    [TAG_INTEGER] = "int",
    [TAG_REAL] = "float",
    [TAG_TIMESTAMP] = "timestamp",
    [TAG_TEXT] = "str",
    [TAG_MERGE] = "merge",
    [TAG_VALUE] = "value",
};

int
config_scalar_init(struct config_patterns *patterns)
{
    patterns->count = 0;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (regcomp(&patterns->compiled[i], table[i].pattern, REG_EXTENDED | REG_NOSUB) != 0)
            return -1;
        patterns->count++;
    }
    return 0;
}

void
config_scalar_free(struct config_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        regfree(&patterns->compiled[i]);
    patterns->count = 0;
}

enum config_tag
config_scalar_resolve(const struct config_patterns *patterns, const char *text)
{
    if (strcmp(text, "<<") == 0)
        return TAG_MERGE;
    if (strcmp(text, "=") == 0)
        return TAG_VALUE;
    for (size_t i = 0; i < patterns->count; i++)
        if (table[i].is_resolved && regexec(&patterns->compiled[i], text, 0, NULL, 0) == 0)
            return table[i].tag;
    return TAG_TEXT;
}

enum config_tag
config_scalar_tag(const char *name)
{
    if (strncmp(name, prefix, strlen(prefix)) != 0)
        return TAGS;
    for (int tag = 0; tag < TAGS; tag++)
        if (strcmp(name + strlen(prefix), names[tag]) == 0)
            return (enum config_tag)tag;
    return TAGS;
}

static bool
is_of(const struct config_patterns *patterns, enum config_tag tag, const char *text)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (table[i].tag == tag && regexec(&patterns->compiled[i], text, 0, NULL, 0) == 0)
            return true;
    return false;
}

static int
read_boolean(const char *text, struct config_scalar *scalar)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"yes", true}, {"no", false}, {"true", true}, {"false", false}, {"on", true},
        {"off", false}};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(text, words[i].word) == 0) {
            scalar->boolean = words[i].value;
            return 0;
        }
    return -1;
}

static unsigned
digit_of(char character)
{
    if (character >= 'a')
        return (unsigned)(character - 'a') + 10;
    if (character >= 'A')
        return (unsigned)(character - 'A') + 10;
    return (unsigned)(character - '0');
}

/* false when it does not fit. */
static bool
extend(unsigned long long *number, unsigned base, unsigned long long digit)
{
    if (digit > ULLONG_MAX || *number > (ULLONG_MAX - digit) / base)
        return false;
    *number = *number * base + digit;
    return true;
}

/* The digits of one number to the base, up to a colon or the end. */
static bool
read_digits(const char **text, unsigned base, unsigned long long *number)
{
    bool fits = true;

    *number = 0;
    for (; **text != '\0' && **text != ':'; ++*text)
        fits = fits && extend(number, base, digit_of(**text));
    return fits;
}

static int
read_integer(const char *text, struct config_scalar *scalar)
{
    bool is_negative = *text == '-';
    unsigned long long most = (unsigned long long)LLONG_MAX + is_negative;
    unsigned long long number, part;
    unsigned base = 10;

    text += *text == '-' || *text == '+';
    if (text[0] == '0' && text[1] != '\0') {
        base = text[1] == 'b' ? 2 : text[1] == 'x' ? 16 : 8;
        text += base == 8 ? 1 : 2;
    }
    if (*text == '\0') /* 0x_ is taken for a number, and is none */
        return -1;
    scalar->fits = read_digits(&text, base, &number);
    while (*text == ':') { /* 1:30 is 90 */
        text++;
        scalar->fits = read_digits(&text, base, &part) && scalar->fits &&
                       extend(&number, 60, part);
    }
    scalar->fits = scalar->fits && number <= most;
    /* The smallest number has no positive counterpart. */
    if (scalar->fits)
        scalar->integer = is_negative && number > 0 ? -(long long)(number - 1) - 1
                                                    : (long long)number;
    return 0;
}

/* Parts of sixty are added from the last to the first, for the same rounding. */
static double
read_sixties(char *text)
{
    double sum = 0, base = 1;
    char *colon;

    while ((colon = strrchr(text, ':')) != NULL) {
        sum += strtod(colon + 1, NULL) * base;
        base *= 60;
        *colon = '\0';
    }
    return sum + strtod(text, NULL) * base;
}

static void
read_real(char *text, struct config_scalar *scalar)
{
    bool is_negative = *text == '-';
    const char *unsigned_text = text + (*text == '-' || *text == '+');
    bool is_named = unsigned_text[0] == '.' && strchr("iInN", unsigned_text[1]) != NULL &&
                    unsigned_text[1] != '\0';

    if (is_named) /* an infinity, or no number */
        return;
    scalar->real = read_sixties(text + (unsigned_text - text));
    if (is_negative)
        scalar->real = -scalar->real;
    scalar->fits = isfinite(scalar->real) != 0;
}

/* The digits at *text, of which there may be none; leaves what ends them. */
static int
next_number(const char **text)
{
    char *end;
    long number = strtol(*text, &end, 10);

    *text = *end == '\0' ? end : end + 1;
    return (int)number;
}

static bool
is_date(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && is_leap);
}

/* That Python's datetime takes it; the text has the form of one. */
static bool
is_time(const char *text)
{
    int year = next_number(&text), month = next_number(&text), day = next_number(&text);
    int hour, minute, second, zone;
    const char *sign;

    if (!is_date(year, month, day))
        return false;
    text += strspn(text, " \t");
    if (*text == '\0')
        return true;
    hour = next_number(&text);
    minute = next_number(&text);
    second = (int)strtol(text, NULL, 10);
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    sign = strpbrk(text, "+-");
    if (sign == NULL)
        return true;
    text = sign + 1;
    zone = 60 * next_number(&text);
    return zone + (*text == '\0' ? 0 : next_number(&text)) < 24 * 60;
}

/* Without the underscores, which may stand between digits. */
static char *
copy_of_number(const char *text, size_t length)
{
    char *copy = memory_copy(text, length);
    size_t kept = 0;

    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++)
        if (text[i] != '_')
            copy[kept++] = text[i];
    copy[kept] = '\0';
    return copy;
}

static int
read_number(enum config_tag tag, const char *text, size_t length,
    struct config_scalar *scalar)
{
    char *copy = copy_of_number(text, length);
    int result = 0;

    if (copy == NULL) {
        errno = ENOMEM;
        return -1;
    }
    if (tag == TAG_INTEGER)
        result = read_integer(copy, scalar);
    else
        read_real(copy, scalar);
    memory_free(copy);
    return result;
}

int
config_scalar_read(const struct config_patterns *patterns, enum config_tag tag,
    const char *text, size_t length, struct config_scalar *scalar)
{
    static const enum config_kind kinds[TAGS] = {
        [TAG_NULL] = CONFIG_NULL,
        [TAG_BOOLEAN] = CONFIG_BOOLEAN,
        [TAG_INTEGER] = CONFIG_INTEGER,
        [TAG_REAL] = CONFIG_REAL,
        [TAG_TIMESTAMP] = CONFIG_OTHER,
        [TAG_TEXT] = CONFIG_TEXT,
        [TAG_MERGE] = CONFIG_TEXT,
        [TAG_VALUE] = CONFIG_TEXT,
    };

    errno = 0;
    memset(scalar, 0, sizeof(*scalar));
    scalar->kind = kinds[tag];
    switch (tag) {
    case TAG_BOOLEAN:
        return read_boolean(text, scalar);
    case TAG_INTEGER:
    case TAG_REAL:
        return is_of(patterns, tag, text) ? read_number(tag, text, length, scalar) : -1;
    case TAG_TIMESTAMP:
        return is_of(patterns, tag, text) && is_time(text) ? 0 : -1;
    default:
        return 0;
    }
}
