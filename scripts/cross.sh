#!/usr/bin/env bash
# Vets and builds the command for every platform that it is for:
#
#   scripts/cross.sh [OS/ARCH...]
#
# Where a gateway runs, "go vet" looks at the tests as well. On Windows it looks
# at what the command is made of: "serve" and "up" do not run there, and tests
# that start gateways are not written for it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PATH:/usr/local/go/bin" CGO_ENABLED=0

# own prints the packages of this repository that the command is made of.
own() {
  go list -deps -f '{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}' ./cmd/cloister
}

vet_without_tests() {
  local package files
  for package in $(own); do
    read -ra files < <(go list -f '{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}} {{end}}' "$package")
    go vet "${files[@]}" || return 1
  done
}

vet() {
  if [ "$GOOS" = windows ]; then
    vet_without_tests
  else
    go vet ./cmd/... ./internal/...
  fi
}

platforms=("$@")
if [ "${#platforms[@]}" = 0 ]; then
  platforms=({linux,darwin,windows}/{amd64,arm64})
fi
failed=0
for p in "${platforms[@]}"; do
  export GOOS=${p%/*} GOARCH=${p#*/}
  start=$SECONDS
  if vet && go build -trimpath -ldflags "${LDFLAGS:--s -w}" -o /dev/null ./cmd/cloister; then
    printf 'ok    %-14s %3ds\n' "$p" $((SECONDS - start))
  else
    printf 'FAIL  %s\n' "$p"
    failed=1
  fi
done
exit $failed
