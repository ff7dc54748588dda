#!/usr/bin/env bash
# Runs the example and checks what it shows: each answer comes first, and what the
# judge finds of it after it.
source "$(dirname "$0")/../lib.sh"
start host.yaml

# judged QUESTION PASSES asks it, waits for the judge and prints what it found. What
# a real model finds is its own affair: PASSES is asked for offline only.
judged() {
  local answer id
  answer=$(post /agents/assistant/runs -F "message=$1" -F stream=false)
  id=$(jq -r .run_id <<<"$answer")
  echo "Question: $1"
  echo "Answer: $(jq -r .content <<<"$answer")"
  [ "$(jq -r .status <<<"$answer")" = COMPLETED ] || fail "the run did not complete: $answer"

  hooks "$id"
  evaluation=$(get "/eval-runs?run_id=$id" | jq '.data[]')
  [ -n "$evaluation" ] || fail "nobody judged run $id: $calls"
  jq -r '"Run: \(.run_id)", (.eval_data | "Score: \(.score)", "Passed: \(.passed)", "Reason: \(.reason)"), ""' <<<"$evaluation"
  jq -e '.name == "names-a-number" and (.eval_data | .threshold == 7 and .passed == (.score >= 7) and .reason != "")' \
    <<<"$evaluation" >/dev/null || fail "not such an evaluation: $evaluation"
  [ -n "${OPENAI_API_KEY:-}" ] || jq -e --argjson passes "$2" '.eval_data.passed == $passes' <<<"$evaluation" >/dev/null ||
    fail "passed is not $2: $evaluation"
}

judged 'How many legs does a spider have?' true
judged 'Which lottery number will win tomorrow?' false
echo "OK"
