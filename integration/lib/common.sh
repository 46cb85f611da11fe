# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What all scripts here share. Sourced; the caller has set top to the root of the checkout.
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
: "${top:?}"
cache=$top/build/cache
began=${began:-$SECONDS}

say() { printf -- '-- [%4d s] %s\n' "$((SECONDS - began))" "$*"; }
die() { echo "$(basename "$0"): $*" >&2; exit 3; }

# wait_for SECONDS COMMAND...: until the command succeeds; 1 when the time ran out
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" > /dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# stop_process PID: ends a process that this script started, and waits for it
stop_process() {
  local pid=$1
  kill "$pid" 2> /dev/null || return 0
  wait_for 10 gone "$pid" || kill -KILL "$pid" 2> /dev/null || true
}
gone() { ! kill -0 "$1" 2> /dev/null || grep -qs '^State:\sZ' "/proc/$1/status"; }

# disk_hash FILE: of what a sparse disk holds, without reading its holes
disk_hash() { tar --sparse --mtime=@0 -cf - "$1" 2> /dev/null | sha256sum | cut -d' ' -f1; }

# The comment at the head of a script is its help.
help() { sed -n '3,/^$/{s/^# \{0,1\}//p}' "$0"; }
