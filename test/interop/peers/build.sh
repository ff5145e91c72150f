#!/usr/bin/env bash
#
# Builds the stock peers that the interop tests and the benchmark run against, each once, into a cache
# outside the repository. What is there already is not built again. See README.md beside this file.
#
#   build.sh [NAME…]       builds the named peers, or all of them; prints one line each: NAME PATH
#   build.sh --list        prints the names
#   build.sh --print-dir   prints the cache folder
#
# Exit codes: 0 done, 2 wrong usage, 3 a tool is missing, any other: a build failed.

set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${PRIVVAL_PEER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/privval-peers}

# tmkms comes first: it is the longest build by far and runs beside the Go builds.
all=(
  tmkms
  cometbft-0.37.18 cometbft-0.38.25 cometbft-0.39.4 cometbft-0.40.0 cometbft-1.0.1
  tendermint-0.34.24 tm-signer-harness tendermint-0.35.9
  oracle filepv-signer
  yubihsm-mock yubihsm-rust yubihsm-python
)

say() { printf '%s\n' "build.sh: $*" >&2; }

need() {
  command -v "$1" >/dev/null 2>&1 && return
  say "'$1' is not in PATH: $2 is needed to build the peer '$3'"
  exit 3
}

# Cargo links with a C compiler; Go does without one here. One installs it, others wait.
need_linker() (
  exec 8>"$cache/.lock-linker"
  flock 8
  command -v cc >/dev/null 2>&1 && return
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null 2>&1; then
    say "no C compiler ('cc') in PATH: Debian's gcc and libc6-dev are needed to build the peer '$1'"
    exit 3
  fi
  say "installing gcc and libc6-dev, which $1 is linked with"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends gcc libc6-dev >&2
)

# Debian's Python comes without the module that makes environments.
need_python() (
  exec 8>"$cache/.lock-python"
  flock 8
  python3 -c 'import ensurepip, venv' >/dev/null 2>&1 && return
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null 2>&1; then
    say "no python3 with the module venv: Debian's python3-venv is needed to build the peer '$1'"
    exit 3
  fi
  say "installing python3-venv, which $1 is made with"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends python3-venv >&2
)

# Names the content of a module of ours: changing any of its files makes another cache folder.
# peers.ts computes the same.
hash_of() {
  (cd "$1" && find . -type f \( -name '*.go' -o -name go.mod -o -name go.sum \
    -o -name '*.rs' -o -name Cargo.toml -o -name Cargo.lock -o -name requirements.txt \) -printf '%P\n' |
    sort | xargs -d '\n' sha256sum | sha256sum | cut -c 1-12)
}

# Sets folder, binary and module for the peer $1.
locate() {
  module=
  case $1 in
    tmkms) folder=tmkms-0.15.0 binary=tmkms ;;
    cometbft-*) folder=$1 binary=cometbft ;;
    tendermint-0.34.24) module=tendermint-0.34 folder=tendermint-0.34.24 binary=tendermint ;;
    tm-signer-harness) module=tendermint-0.34 folder=tm-signer-harness-0.34.24 binary=tm-signer-harness ;;
    tendermint-0.35.9) module=tendermint-0.35 folder=tendermint-0.35.9 binary=tendermint ;;
    oracle) module=../oracle folder=oracle-0.38.25 binary=oracle ;;
    filepv-signer) module=../oracle folder=filepv-signer-0.38.25 binary=filepv-signer ;;
    yubihsm-mock) module=../yubihsm-mock folder=yubihsm-mock-0.42.1 binary=yubihsm-mock ;;
    yubihsm-rust) module=../yubihsm-rust folder=yubihsm-rust-0.42.1 binary=yubihsm-rust ;;
    yubihsm-python) module=../yubihsm-python folder=yubihsm-python-3.1.2 binary=bin/python ;;
    *)
      say "no peer is called '$1'; there are: ${all[*]}"
      exit 2
      ;;
  esac
  if [[ -n $module ]]; then
    module=$here/$module
    folder=$folder-$(hash_of "$module")
  fi
}

# Builds package $1 of the module $module into $2. -mod=readonly: go.sum as committed decides what is built.
build_module() {
  (cd "$module" && go build -mod=readonly -o "$2" "$1")
}

make_peer() {
  local name=$1 into=$2
  case $name in
    tmkms)
      nice -n 10 cargo install tmkms --version 0.15.0 --features=softsign --locked --quiet \
        --root "$into" --target-dir "$into/.target"
      mv "$into/bin/tmkms" "$into/tmkms"
      rm -rf "$into/.target" "$into/bin" "$into"/.crates*
      ;;
    cometbft-*)
      (cd "$into" && GOBIN=$into go install "github.com/cometbft/cometbft/cmd/cometbft@v${name#cometbft-}")
      ;;
    tendermint-*) build_module github.com/tendermint/tendermint/cmd/tendermint "$into/$binary" ;;
    tm-signer-harness)
      build_module github.com/tendermint/tendermint/tools/tm-signer-harness "$into/$binary"
      ;;
    oracle) build_module . "$into/$binary" ;;
    filepv-signer) build_module ./cmd/filepv-signer "$into/$binary" ;;
    yubihsm-mock | yubihsm-rust)
      # A build for development: the mock wants its debug assertions.
      cargo build --locked --quiet --manifest-path "$module/Cargo.toml" --target-dir "$into/.target"
      mv "$into/.target/debug/$binary" "$into/$binary"
      rm -rf "$into/.target"
      ;;
    yubihsm-python)
      # An environment that is moved keeps its python; what else is in its bin/ knows the old place.
      python3 -m venv "$into"
      "$into/bin/python" -m pip install --quiet --disable-pip-version-check \
        --no-deps --requirement "$module/requirements.txt"
      # The tests of a device come with the package's source, and only there.
      "$into/bin/python" -m pip download --quiet --disable-pip-version-check --dest "$into" \
        --no-deps --no-binary yubihsm yubihsm==3.1.2
      mkdir "$into/device-tests"
      tar -xzf "$into/yubihsm-3.1.2.tar.gz" -C "$into/device-tests" --strip-components 1 \
        yubihsm-3.1.2/tests
      ;;
  esac
}

# Not to be called where errexit is off, as in `build_peer … || …`.
build_peer() (
  name=$1
  locate "$name"
  target=$cache/$folder
  if [[ ! -x $target/$binary ]]; then
    # One builder per peer; the others wait for it and find the result.
    exec 9>"$cache/.lock-$name"
    flock 9
  fi
  if [[ ! -x $target/$binary ]]; then
    if [[ $name == tmkms || $name == yubihsm-mock || $name == yubihsm-rust ]]; then
      need cargo 'a Rust tool chain' "$name"
      need_linker "$name"
    elif [[ $name == yubihsm-python ]]; then
      need_python "$name"
    else
      need go 'a Go tool chain' "$name"
    fi
    started=$SECONDS
    rm -rf "$cache/.build-$name".*
    into=$(mktemp -d "$cache/.build-$name.XXXXXX")
    trap 'status=$?; rm -rf "$into"; [[ $status -eq 0 ]] || say "building $name failed"' EXIT
    say "building $name …"
    make_peer "$name" "$into" 9>&-
    chmod 755 "$into"
    mv -T "$into" "$target"
    say "built $name in $((SECONDS - started)) s"
  fi
  printf '%s %s\n' "$name" "$target/$binary"
)

case ${1:-} in
  --print-dir)
    printf '%s\n' "$cache"
    exit
    ;;
  --list)
    printf '%s\n' "${all[@]}"
    exit
    ;;
  -h | --help)
    sed -n '3,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit
    ;;
  -*)
    say "unknown option '$1'"
    exit 2
    ;;
esac

names=("$@")
[[ ${#names[@]} -gt 0 ]] || names=("${all[@]}")
for name in "${names[@]}"; do locate "$name"; done # a wrong name fails before anything is built

command -v flock >/dev/null 2>&1 || {
  say "'flock' (util-linux) is not in PATH"
  exit 3
}
mkdir -p "$cache"

# Nothing from the checkout or the caller's settings flows into a peer: no VCS stamp (a checkout owned by
# somebody else fails it), no workspace, no C compiler, no other tool chain than the one that is here.
export GOFLAGS='-buildvcs=false -trimpath' GOWORK=off CGO_ENABLED=0 GOTOOLCHAIN=local
unset GOBIN GOOS GOARCH CARGO_TARGET_DIR CARGO_INSTALL_ROOT

background=
failed=0
for name in "${names[@]}"; do
  if [[ $name == tmkms && ${#names[@]} -gt 1 ]]; then
    build_peer "$name" &
    background=$!
    continue
  fi
  set +e
  (
    set -e
    build_peer "$name"
  )
  failed=$?
  set -e
  [[ $failed -eq 0 ]] || break
done
if [[ -n $background ]]; then wait "$background" || failed=$?; fi
exit "$failed"
