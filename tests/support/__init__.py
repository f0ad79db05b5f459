# SPDX-License-Identifier: GPL-3.0-or-later
"""What all the pytest suites share: servers to talk to, and the module."""
