#!/usr/bin/env bash
# Imports the commit history of OpenStack Nova and sees to it that nothing is
# lost, doubled or different however often the import is broken off:
#
#   scripts/import-nova.sh EVENTS.csv.gz [KILLS]
#
# Three fresh data directories: one import without interruption and a second
# one on top; one that is killed KILLS times (3 unless said otherwise) with
# SIGKILL while it writes and then run to its end; one through a running
# server. All three must end in the same state. Prints rows per second.
set -euo pipefail
if [ $# -lt 1 ]; then
  sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
events=$(realpath "$1") kills=${2:-3}
cd "$(dirname "$0")/.."
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cairn=$work/cairn
go build -o "$cairn" ./cmd/cairn

fail() { echo "FAILED: $*" >&2; exit 1; }
millis() { echo $(($(date +%s%N) / 1000000)); }
field() { sed -n "s/^ *\"$2\": \([0-9]*\),*$/\1/p" "$1"; }

# import DIR leaves the report in $work/report and in $took how many
# milliseconds passed until it was there: what the stages do after the last
# row is not counted.
import() {
  local start
  start=$(millis)
  : >"$work/report"
  "$cairn" import "$events" --map mappings/nova.yaml --data "$1" --json >"$work/report" &
  local pid=$!
  while [ ! -s "$work/report" ] && kill -0 $pid 2>/dev/null; do sleep 0.02; done
  took=$(($(millis) - start))
  wait $pid || fail "the import ended with $?"
}

expect() { # accepted duplicate
  local name
  for name in "read $rows" "accepted $1" "duplicate $2" "rejected 0"; do
    [ "$(field "$work/report" "${name% *}")" = "${name#* }" ] || fail "want $name: $(tr -d '\n' <"$work/report")"
  done
}

# state DIR writes down what pages would show, now and in the past.
state() {
  local key
  "$cairn" stages --data "$1" | sed -n '/^STAGE/,/^$/p'
  "$cairn" accounts --data "$1" --limit 500
  for key in org_e6cad89a47 org_a173421967 org_022c07333c; do
    "$cairn" vector "$key" --at 2015-01-01 --json --data "$1"
    "$cairn" vector "$key" --at 2026-09-01 --json --data "$1"
  done
}

rows=$(($(gzip -dc "$events" | wc -l) - 1))
echo "$rows rows"

import "$work/a"
expect "$rows" 0
echo "first import: $((rows * 1000 / took)) rows/s ($took ms with opening the store)"
whole=$took
state "$work/a" >"$work/a.state"
import "$work/a"
expect 0 "$rows"
echo "second import: all known, $((rows * 1000 / took)) rows/s"
state "$work/a" >"$work/a2.state"
diff "$work/a.state" "$work/a2.state" >"$work/diff" || fail "the second import changed the state: $(head -20 "$work/diff")"

part=$((whole / (kills + 1)))
for ((i = 1; i <= kills; i++)); do
  "$cairn" import "$events" --map mappings/nova.yaml --data "$work/b" --json >/dev/null 2>&1 &
  pid=$!
  sleep "$(printf '%d.%03d' $((part / 1000)) $((part % 1000)))"
  kill -9 $pid 2>/dev/null || true
  wait $pid 2>/dev/null || true
done
import "$work/b"
known=$(field "$work/report" duplicate)
expect $((rows - known)) "$known"
echo "killed $kills times: the last run found $known of $rows rows there already"
[ "$known" -gt 0 ] || fail "nothing was there: the kills came too early"
state "$work/b" >"$work/b.state"
diff "$work/a.state" "$work/b.state" >"$work/diff" || fail "the state after the kills differs: $(head -20 "$work/diff")"

"$cairn" serve --data "$work/c" --listen 127.0.0.1:0 >"$work/serve.log" 2>&1 &
server=$!
for ((i = 0; i < 200; i++)); do
  [ -S "$work/c/cairn.sock" ] && break
  sleep 0.05
done
[ -S "$work/c/cairn.sock" ] || fail "the server does not answer: $(cat "$work/serve.log")"
import "$work/c"
expect "$rows" 0
echo "through the server, stages running: $((rows * 1000 / took)) rows/s"
start=$(millis)
while "$cairn" stages --data "$work/c" | awk 'NF == 4 && $3 ~ /^[0-9]+$/ && $3 > 0 { lag = 1 } END { exit !lag }'; do sleep 0.2; done
echo "everything derived $(($(millis) - start)) ms later"
kill -TERM "$server"
wait "$server" || fail "the server ended with $?"
server=
state "$work/c" >"$work/c.state"
diff "$work/a.state" "$work/c.state" >"$work/diff" || fail "the state of the server differs: $(head -20 "$work/diff")"
accounts=$(sed -n 's/^[0-9]* of \([0-9]*\) accounts$/\1/p; s/^\([0-9]*\) accounts$/\1/p' "$work/a.state")
echo "same state each time: $accounts accounts"
