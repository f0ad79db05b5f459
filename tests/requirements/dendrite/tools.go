// SPDX-License-Identifier: GPL-3.0-or-later

//go:build tools

// Package tools is never built. It names the programs, so that go.mod has what
// they need.
package tools

import (
	_ "github.com/element-hq/dendrite/cmd/create-account"
	_ "github.com/element-hq/dendrite/cmd/dendrite"
	_ "github.com/element-hq/dendrite/cmd/generate-keys"
)
