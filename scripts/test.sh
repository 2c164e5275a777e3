#!/usr/bin/env bash
# Every test there is, in the order in which a failure is cheapest to find.
# A step that fails does not keep the others from running; the end says all.
set -uo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

# A part that is missing fails here, where "go test ./..." would skip.
export CLOISTER_TEST_STRICT=1

passed=0 failed=0 summary=()

# step NAME COMMAND...
step() {
  local name=$1 start=$SECONDS verdict
  shift
  printf '\n=== %s\n' "$name"
  if "$@"; then
    verdict=ok passed=$((passed + 1))
  else
    verdict=FAIL failed=$((failed + 1))
  fi
  summary+=("$(printf '%-4s  %-22s %4ds' "$verdict" "$name" $((SECONDS - start)))")
}

# Modules of their own keep what is heavy out of the product's go.mod.
nested_modules() {
  local mod dir status=0
  while read -r mod; do
    dir=$(dirname "$mod")
    [ "$dir" != . ] || continue
    echo "in $dir"
    (cd "$dir" && go vet ./... && go test -count=1 ./...) || status=1
  done < <(git ls-files --cached --others --exclude-standard 'go.mod' '*/go.mod')
  return $status
}

if [ "$(id -u)" = 0 ]; then
  scripts/deps.sh || exit 1
else
  scripts/deps.sh --check || exit 1
fi

step 'format, vet, lint' scripts/lint.sh
step 'go test ./...' go test -count=1 -timeout 12m ./...
step 'nested modules' nested_modules
step 'fuzz, 5 s each' scripts/fuzz.sh 5s ./...
step 'licences' go run ./test/licences
step 'newcomer' test/newcomer.sh

printf '\n'
printf '%s\n' "${summary[@]}"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
