# Sourced by the other scripts: where tools are, and which versions we pin.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
TOOLS=$ROOT/.cache/bin
NODE=$ROOT/test/sdk/node
export PATH="$TOOLS:$PATH:/usr/local/go/bin:/usr/sbin:/sbin"

# Go programs that the tests run, built into the repository and nowhere else.
GO_TOOLS=(
  github.com/transparency-dev/tessera/cmd/fsck@v1.0.4
  github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible
  honnef.co/go/tools/cmd/staticcheck@v0.8.2
)

# go_tool_present MODULE@VERSION: is exactly this version in .cache/bin?
go_tool_present() {
  local package=${1%@*} version=${1#*@}
  local info
  info=$(go version -m "$TOOLS/${package##*/}" 2>/dev/null) || return 1
  # "path" names the package, "mod" its module and version.
  grep -q $'^\tpath\t'"$package"'$' <<<"$info" && grep -qF $'\t'"$version"$'\t' <<<"$info"
}

# node_present: do node_modules hold what package-lock.json says?
node_present() {
  cmp -s "$NODE/package-lock.json" "$NODE/node_modules/.installed-lock.json"
}
