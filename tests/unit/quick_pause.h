/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A test that includes this does not sleep between two looks (the Makefile puts its
 * function in the place of base/stop.h's): where each allocation is failed in turn, one
 * pause for each of them would add up to half a minute.
 */
#ifndef REGISTRAR_TESTS_QUICK_PAUSE_H
#define REGISTRAR_TESTS_QUICK_PAUSE_H

#include "base/stop.h"

int __wrap_stop_sleep_ms(long long duration_ms);

int
__wrap_stop_sleep_ms(long long duration_ms)
{
    (void)duration_ms;
    return stop_signal() == 0 ? 0 : -1;
}

#endif
