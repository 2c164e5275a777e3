#!/usr/bin/env bash
# gofmt, go vet and staticcheck over the repository.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

unformatted=$(git ls-files --cached --others --exclude-standard '*.go' | xargs -r gofmt -l)
if [ -n "$unformatted" ]; then
  echo "not formatted:" >&2
  echo "$unformatted" >&2
  exit 1
fi
go vet ./...
for tool in "${GO_TOOLS[@]}"; do
  case $tool in */staticcheck@*) ;; *) continue ;; esac
  go_tool_present "$tool" || GOBIN="$TOOLS" GOFLAGS='' go install "$tool"
done
staticcheck ./...
