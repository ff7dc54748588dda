#!/usr/bin/env bash
# Runs the example and checks what it shows: a team's run in the background that is
# polled until it is over, and a long one that is cancelled midway.
source "$(dirname "$0")/../lib.sh"
start host.yaml

# ask MESSAGE begins a run in the background and prints it; its ids are in $id and
# $session.
ask() {
  local accepted
  accepted=$(post /teams/research-team/runs -F background=true -F stream=false -F "message=$1")
  id=$(jq -r .run_id <<<"$accepted")
  session=$(jq -r .session_id <<<"$accepted")
  echo "Run: $id"
  echo "Status: $(jq -r .status <<<"$accepted")"
  [ "$(jq -r .status <<<"$accepted")" = PENDING ] || fail "the run was not PENDING: $accepted"
}

echo "== A report"
ask 'Report on the tides'
ended teams/research-team "$id" "$session"
[ "$(jq -r .status <<<"$run")" = COMPLETED ] || fail "the run did not complete: $run"
jq -r '.member_responses[] | "\(.agent_name): \(.content)"' <<<"$run"
echo "Content: $(jq -r .content <<<"$run")"
jq -e '[.member_responses[].agent_name] | contains(["Researcher", "Writer"])' <<<"$run" >/dev/null ||
  fail "a member was not asked: $run"

echo "== A long report, cancelled midway"
ask 'A long report on the history of the tides'
until status=$(get "/teams/research-team/runs/$id?session_id=$session" | jq -r .status) && [ "$status" != PENDING ]; do
  sleep 0.1
done
[ "$status" = RUNNING ] || fail "the run is $status already"
echo "It is $status; cancelling it"
post "/teams/research-team/runs/$id/cancel?session_id=$session" >/dev/null
ended teams/research-team "$id" "$session"
[ "$(jq -r .status <<<"$run")" = CANCELLED ] || fail "the run was not cancelled: $run"
echo "OK"
