//go:build tools

// Package tools names the programs that build.sh builds from this module. `go install` of Tendermint by
// version does not work (the registry serves the version but not the module's list of packages), so
// go.mod and go.sum pin it instead.
package tools

import (
	_ "github.com/tendermint/tendermint/cmd/tendermint"
	_ "github.com/tendermint/tendermint/tools/tm-signer-harness"
)
