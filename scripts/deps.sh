#!/usr/bin/env bash
# Installs what the tests need beyond Go: Debian packages (as root), and, in
# the repository itself, Go tools and the npm packages of the SDK tests.
#
#   scripts/deps.sh           install what is missing; quick when nothing is
#   scripts/deps.sh --check   install nothing, name what is missing, fail if so
#
# No service is started and none is left enabled: the tests run their own.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

# command or file → Debian package
APT=(
  git:git
  curl:curl
  nginx:nginx-light
  sslscan:sslscan
  ip:iproute2
  taskset:util-linux
  gcc:gcc
  slowhttptest:slowhttptest
  h2load:nghttp2-client
  npm:npm
  systemd-analyze:systemd
  strace:strace
  initdb:postgresql
  chromium:chromium
  mcs:mono-mcs
  mono:mono-runtime
  nft:nftables
  /usr/lib/mono/4.5/System.Core.dll:libmono-system-core4.0-cil
  /usr/lib/mono/4.5/System.Xml.Linq.dll:libmono-system-xml-linq4.0-cil
  /usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll:libnewtonsoft-json5.0-cil
)

# Debian keeps the programs of the PostgreSQL server out of PATH.
present() {
  case $1 in /*) [ -e "$1" ]; return ;; esac
  command -v "$1" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null
}

missing_commands() {
  local pair
  for pair in "${APT[@]}"; do
    present "${pair%%:*}" || echo "$pair"
  done
}

missing_go_tools() {
  local tool
  for tool in "${GO_TOOLS[@]}"; do
    go_tool_present "$tool" || echo "$tool"
  done
}

check() {
  local pair tool found=0
  for pair in $(missing_commands); do
    echo "missing: ${pair%%:*} (Debian package ${pair##*:})" >&2
    found=1
  done
  for tool in $(missing_go_tools); do
    echo "missing: .cache/bin/$(basename "${tool%@*}") ($tool)" >&2
    found=1
  done
  if ! node_present; then
    echo "missing: the npm packages of test/sdk/node" >&2
    found=1
  fi
  if [ "$found" = 1 ]; then
    echo 'To install them run: sudo make deps' >&2
    return 1
  fi
}

# Debian starts and enables a server when it is installed. A policy says no for
# as long as this script runs, unless the machine already has one; afterwards
# the unit is disabled, so that it does not start with the machine either.
apt_install() {
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap "rm -f '$policy'" EXIT
  fi
  export DEBIAN_FRONTEND=noninteractive
  local clusters cluster
  clusters=$(compgen -G '/etc/postgresql/*/*' || true)
  local install=(apt-get install -y -qq --no-install-recommends "$@")
  if ! "${install[@]}" >"$log" 2>&1; then
    # The usual cause: package lists that are empty or old.
    apt-get update -qq >>"$log" 2>&1 || { cat "$log" >&2; return 1; }
    "${install[@]}" >>"$log" 2>&1 || { cat "$log" >&2; return 1; }
  fi
  case " $* " in
    # Its installation also makes a cluster, which nobody asked for. One that
    # was there before is somebody's data.
    *' postgresql '*)
      for cluster in $(compgen -G '/etc/postgresql/*/*' || true); do
        grep -qxF "$cluster" <<<"$clusters" || pg_dropcluster "$(basename "$(dirname "$cluster")")" "$(basename "$cluster")"
      done
      command -v systemctl >/dev/null && systemctl disable postgresql >/dev/null 2>&1 || true ;;&
    *' nginx-light '*) command -v systemctl >/dev/null && systemctl disable nginx >/dev/null 2>&1 || true ;;
  esac
}

# Under sudo the repository belongs to somebody else: what is put into it is
# put there as that user.
as_owner() {
  if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then
    runuser -u "$SUDO_USER" -- env PATH="$PATH" HOME="$(getent passwd "$SUDO_USER" | cut -d: -f6)" "$@"
  else
    "$@"
  fi
}

if [ "${1:-}" = --check ]; then
  check
  exit
fi

log=$(mktemp)
packages=()
for pair in $(missing_commands); do packages+=("${pair##*:}"); done
if [ "${#packages[@]}" -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    check || exit 1
  fi
  command -v apt-get >/dev/null || { echo "no apt-get here; install: ${packages[*]}" >&2; exit 1; }
  echo "deps: apt: ${packages[*]}"
  apt_install "${packages[@]}"
fi

for tool in $(missing_go_tools); do
  echo "deps: $tool"
  as_owner mkdir -p "$TOOLS"
  # GOFLAGS of the caller may ask for -mod=..., which "go install" refuses.
  as_owner env GOBIN="$TOOLS" GOFLAGS= go install "$tool" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
done

if ! node_present; then
  echo 'deps: npm packages of test/sdk/node'
  as_owner npm --prefix "$NODE" ci --no-audit --no-fund --loglevel=error >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
  as_owner cp "$NODE/package-lock.json" "$NODE/node_modules/.installed-lock.json"
fi
rm -f "$log"
check
echo 'deps: all there'
