#!/usr/bin/env bash
# What a newcomer does, and nothing that a newcomer would not: clone, "make up",
# paste the three commands that it prints, Ctrl-C, start again.
#
# HEAD is cloned into an empty folder and HOME is empty, so what is not
# committed does not count. One thing is kept for speed: Go's module and build
# caches, named explicitly below; they change how long it takes, not what is
# built. Every wait is bounded, and only processes that this script started are
# ended, by their process group.
set -euo pipefail
# Jobs get process groups of their own, and SIGINT is not ignored in them.
set -m

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH="$PATH:/usr/local/go/bin"
for name in GOMODCACHE GOCACHE GOPROXY GOSUMDB GOFLAGS GOTOOLCHAIN; do
  value=$(cd "$ROOT" && go env "$name")
  export "$name=$value"
done
for name in $(compgen -e | grep -E '^(CLOISTER|AZURE|XDG|OPENAI)_|^(SSL_CERT|MAKE)' || true); do
  unset "$name"
done

work=$(mktemp -d)
export HOME=$work/home
mkdir "$HOME"
groups=()
finish() {
  local code=$? group
  for group in "${groups[@]}"; do
    kill -KILL -- "-$group" 2>/dev/null || true
  done
  rm -rf "$work"
  exit "$code"
}
trap finish EXIT

say() { printf 'newcomer: %s\n' "$*"; }
fail() {
  say "FAIL: $1"
  if [ -n "${2:-}" ]; then sed 's/^/    /' "$2"; fi
  exit 1
}

# members GROUP: the processes of a process group that still run.
members() {
  local stat text state parent group
  for stat in /proc/[0-9]*/stat; do
    text=$(cat "$stat" 2>/dev/null) || continue
    # The name in brackets may hold anything; what follows is STATE PPID PGRP.
    read -r state parent group _ <<<"${text##*) }"
    if [ "$group" = "$1" ] && [ "$state" != Z ]; then
      echo "${stat//[!0-9]/}"
    fi
  done
}

# commands LOG: the three commands, one a line; a backslash at the end of a
# line goes on with the next, as in a shell.
commands() {
  sed -e ':a' -e '/\\$/{N;s/\\\n */ /;ta' -e '}' "$1" |
    sed -nE 's/^[[:space:]]+//; /(^|[;&|({] *)curl |go run \.\/examples\/stream/p'
}

# start NAME ARGS: runs "make up" until it has printed its commands. Sets
# group, the process group, and log, what it printed.
start() {
  local name=$1 args=$2 i
  log=$work/$name.log
  make -C "$work/cloister" up ARGS="$args" >"$log" 2>&1 </dev/null &
  group=$!
  groups+=("$group")
  for ((i = 0; i < 3000; i++)); do
    if [ "$(commands "$log" | wc -l)" -ge 3 ]; then return; fi
    kill -0 "$group" 2>/dev/null || fail "make up ended at once" "$log"
    sleep 0.1
  done
  fail 'make up has printed no three commands in five minutes' "$log"
}

# stop GROUP LOG HOW: one SIGINT, to the program alone ("program") or to all of
# the group, as a terminal sends it at Ctrl-C ("terminal").
stop() {
  local group=$1 log=$2 how=$3 code=0 pid i
  if [ "$how" = terminal ]; then
    kill -INT -- "-$group"
  else
    for pid in $(members "$group"); do
      if [ "$(basename "$(readlink "/proc/$pid/exe")")" = cloister ]; then kill -INT "$pid"; fi
    done
  fi
  for ((i = 0; i < 400; i++)); do
    [ -n "$(members "$group")" ] || break
    sleep 0.1
  done
  [ -z "$(members "$group")" ] || fail "processes are left 40 s after SIGINT: $(members "$group" | tr '\n' ' ')" "$log"
  wait "$group" || code=$?
  # make itself says 2 or 130 when it was interrupted too.
  if [ "$how" = program ] && [ "$code" != 0 ]; then fail "exit code $code after SIGINT" "$log"; fi
  if grep -E '^(panic:|goroutine [0-9]|fatal error:)' "$log" >/dev/null; then fail 'it did not stop cleanly' "$log"; fi
}

# paste COMMAND OUT: runs one command as it was printed, in a shell of its own.
# A function lets curl say the status too; the command does not change.
paste() {
  (
    cd "$work/cloister"
    curl() { command curl --max-time 60 -w '\nstatus %{http_code}\n' "$@"; }
    export -f curl
    bash -c "$1"
  ) >"$2" 2>&1 </dev/null
}

# environment LOG: the environment file that the commands name.
environment() { grep -oE "[^ '\"]*/cloister\.env" "$1" | sed "s|^~|$HOME|" | head -1; }
value() { (. "$1" && printf '%s' "${!2}"); }

# try_all LOG: the first command succeeds, the second is refused, the third
# streams.
try_all() {
  local -a cmds
  mapfile -t cmds < <(commands "$1")
  [ "${#cmds[@]}" = 3 ] || fail "${#cmds[@]} commands, not three" "$1"
  local out=$work/out
  paste "${cmds[0]}" "$out" || fail "does not run: ${cmds[0]}" "$out"
  grep -qx 'status 200' "$out" || fail "not answered with 200: ${cmds[0]}" "$out"
  paste "${cmds[1]}" "$out" || fail "does not run: ${cmds[1]}" "$out"
  grep -qx 'status 401' "$out" || fail "not refused with 401: ${cmds[1]}" "$out"
  paste "${cmds[2]}" "$out" || fail "does not run: ${cmds[2]}" "$out"
  [ "$(wc -w <"$out")" -ge 3 ] || fail "streams nothing: ${cmds[2]}" "$out"
}

say 'cloning HEAD'
git clone -q "$ROOT" "$work/cloister"

say 'make up, and the three commands'
start first '--listen 127.0.0.1:0'
first=$group first_log=$log first_env=$(environment "$log")
[ -f "$first_env" ] || fail "no environment file among what was printed" "$log"
[ "$(stat -c %a "$first_env")" = 600 ] || fail "$first_env has mode $(stat -c %a "$first_env"), not 600"
try_all "$first_log"
key=$(value "$first_env" CLOISTER_API_KEY)

say 'another one beside it'
start second "--listen 127.0.0.1:0 --dir $work/second"
second=$group second_log=$log second_env=$(environment "$log")
try_all "$second_log"
try_all "$first_log"
[ "$(value "$second_env" CLOISTER_API_KEY)" != "$key" ] || fail 'both have one key'
[ "$(value "$second_env" CLOISTER_URL)" != "$(value "$first_env" CLOISTER_URL)" ] || fail 'both have one address'

say 'SIGINT, and what is left'
stop "$first" "$first_log" program
stop "$second" "$second_log" terminal
[ -d "$work/second/state" ] || fail "no state in $work/second/state"

say 'starting again'
start again '--listen 127.0.0.1:0'
[ "$(environment "$log")" = "$first_env" ] || fail 'another environment file' "$log"
[ "$(value "$first_env" CLOISTER_API_KEY)" = "$key" ] || fail 'the state was not found again: another key'
try_all "$log"
stop "$group" "$log" program

[ -z "$(git -C "$work/cloister" status --porcelain)" ] || fail "the clone is not clean: $(git -C "$work/cloister" status --porcelain)"
say 'all well'
