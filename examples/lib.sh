# What the run.sh of every example shares: start a host for this example alone,
# ask it, and end it. Sourced, never run.
#
# SNAPHOOK and SNAPHOOK_PLUGINS_DIR choose another program and other plugins than
# those `make build plugins` puts into bin.
set -euo pipefail

for tool in curl jq; do
  command -v "$tool" >/dev/null || { echo "This script needs $tool." >&2; exit 1; }
done

example=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
root=$(cd "$example/../.." && pwd)
snaphook=${SNAPHOOK:-$root/bin/snaphook}
[ -x "$snaphook" ] || { echo "Build the host first: make build plugins" >&2; exit 1; }

# start FILE runs the host with a configuration of the example, on a free port
# and with a store of its own; base is its address.
start() {
  work=$(mktemp -d)
  trap stop EXIT
  : >"$work/out" # it is read before the host may have opened it
  "$snaphook" serve --config "$example/$1" --listen 127.0.0.1:0 --store "sqlite://$work/snaphook.db" \
    >"$work/out" 2>"$work/log" &
  host=$!
  for _ in $(seq 600); do
    base=$(sed -n 's/^Snaphook listens on //p' "$work/out")
    [ -z "$base" ] || return 0
    kill -0 "$host" 2>/dev/null || break
    sleep 0.1
  done
  cat "$work/log" >&2
  fail "the host did not start"
}

stop() {
  local code=$?
  [ -z "${host:-}" ] || { kill "$host" 2>/dev/null && wait "$host" 2>/dev/null; } || true
  [ "$code" = 0 ] || [ ! -s "$work/log" ] || { echo "--- the host's log" >&2; tail -n 40 "$work/log" >&2; }
  rm -rf "$work"
  return "$code"
}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# get PATH, and post PATH CURL-OPTION…, print what the host answers.
get() { curl -sS --fail-with-body "$base$1"; }
post() {
  local path=$1
  shift
  curl -sS --fail-with-body -X POST "$base$path" "$@"
}

# ended COMPONENT RUN SESSION waits until a run of agents/ID, teams/ID or
# workflows/ID is over, prints each status it comes to, and leaves the run in $run.
ended() {
  local status last=""
  for _ in $(seq 1200); do
    run=$(get "/$1/runs/$2?session_id=$3")
    status=$(jq -r .status <<<"$run")
    [ "$status" = "$last" ] || echo "Status: $status"
    last=$status
    case $status in COMPLETED | ERROR | CANCELLED) return 0 ;; esac
    sleep 0.1
  done
  fail "run $2 is still $last"
}

# hooks RUN waits until every hook of a run is over, and prints what was done.
hooks() {
  for _ in $(seq 1200); do
    calls=$(get "/runs/$1/hooks")
    jq -e 'all(.data[]; .status != "queued" and .status != "running")' <<<"$calls" >/dev/null && return 0
    sleep 0.1
  done
  fail "a hook of run $1 is still going on"
}

# logs prints what the hooks of $calls logged, a block for each.
logs() {
  jq -r '.data[] | "  \(.plugin).\(.hook) at \(.point), \(.mode): \(.status)", (.logs[] | "    \(.message)")' <<<"$calls"
}

# has NAME TEXT asks for a text in what the hook of that name logged.
has() {
  jq -e --arg name "$1" --arg text "$2" \
    'any(.data[] | select("\(.plugin).\(.hook)" == $name) | .logs[]; .message | contains($text))' \
    <<<"$calls" >/dev/null || fail "$1 did not log: $2"
}
