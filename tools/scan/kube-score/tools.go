//go:build tools

// Package tools names the command that this module pins, so that go.sum covers all it needs.
package tools

import (
	_ "github.com/zegl/kube-score/cmd/kube-score"
)
