#!/usr/bin/env bash
# Vets and builds the command for every platform that it is for:
#
#   scripts/cross.sh [OS/ARCH...]
#
# "go vet" looks at tests as well, so that nobody finds out on a Mac that they
# do not compile there. The tests of test/ are for the machine that runs them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PATH:/usr/local/go/bin"

platforms=("$@")
if [ "${#platforms[@]}" = 0 ]; then
  platforms=({linux,darwin,windows}/{amd64,arm64})
fi
failed=0
for p in "${platforms[@]}"; do
  export GOOS=${p%/*} GOARCH=${p#*/} CGO_ENABLED=0
  start=$SECONDS
  if go vet ./cmd/... ./internal/... && go build -trimpath -ldflags "${LDFLAGS:--s -w}" -o /dev/null ./cmd/cloister; then
    printf 'ok    %-14s %3ds\n' "$p" $((SECONDS - start))
  else
    printf 'FAIL  %s\n' "$p"
    failed=1
  fi
done
exit $failed
