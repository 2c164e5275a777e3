#!/usr/bin/env bash
# Builds the container image as an OCI archive, for linux/amd64 and linux/arm64,
# with the Go tool alone:
#
#   scripts/image.sh [FILE]      default: bin/cloister.oci.tar
#
# VERSION, COMMIT and LDFLAGS are make's. The same source makes the same bytes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PATH:/usr/local/go/bin"

out=$(realpath -m "${1:-bin/cloister.oci.tar}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

programs=()
for arch in amd64 arm64; do
  CGO_ENABLED=0 GOOS=linux GOARCH=$arch \
    go build -trimpath -ldflags "${LDFLAGS:--s -w}" -o "$work/$arch" ./cmd/cloister
  programs+=("linux/$arch=$work/$arch")
done
mkdir -p "$(dirname "$out")"
cd deploy/image
go run . -o "$out" -version "${VERSION:-dev}" -revision "${COMMIT:-unknown}" \
  -created "$(git log -1 --format=%ct 2>/dev/null || echo 0)" "${programs[@]}"
echo "$out"
