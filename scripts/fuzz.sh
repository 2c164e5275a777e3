#!/usr/bin/env bash
# Fuzzes every target of the given packages, each for the given time:
#
#   scripts/fuzz.sh 5s ./...
#
# An input that breaks an invariant is left in testdata/fuzz of its package,
# where every later "go test" replays it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

time=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# targets prints "IMPORTPATH FuzzName" lines. Reading the sources is quicker
# than building every test binary to ask it.
targets() {
  go list -f '{{$d := .Dir}}{{$p := .ImportPath}}{{range .TestGoFiles}}{{$p}} {{$d}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$p}} {{$d}}/{{.}}{{"\n"}}{{end}}' "$@" |
    while read -r package file; do
      [ -n "$file" ] || continue
      sed -nE "s|^func (Fuzz[A-Za-z0-9_]*)\(.*\*testing\.F\).*|$package \1|p" "$file"
    done | sort -u
}

# fuzz_one PACKAGE TARGET. A worker that is still busy when the time is up
# makes the fuzzer report "context deadline exceeded" without an input: that
# says nothing about the target, so it is tried once more.
fuzz_one() {
  local log="$work/${1//\//_}.$2" try
  for try in 1 2; do
    if go test -run='^$' -fuzz="^$2\$" -fuzztime="$time" -parallel=1 "$1" >"$log" 2>&1; then
      echo "ok    $1 $2"
      return 0
    fi
    grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log" || break
  done
  echo "FAIL  $1 $2"
  sed 's/^/      /' "$log"
  return 1
}
export -f fuzz_one
export time work

list=$(targets "$@")
if [ -z "$list" ]; then
  echo 'no fuzz target found' >&2
  exit 1
fi
xargs -P 2 -L 1 bash -c 'fuzz_one "$0" "$1"' <<<"$list"
