module privval.test/interop/oracle

go 1.23.0

require github.com/cometbft/cometbft v0.38.25
