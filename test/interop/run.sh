#!/usr/bin/env bash
# The interop suite: builds the stock peers it needs (Go, Rust; once, into a cache), then runs the tests against them.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash test/interop/peers/build.sh
export PATH="$PWD/node_modules/.bin:$PATH"
exec vitest run --config vitest.interop.config.ts "$@"
