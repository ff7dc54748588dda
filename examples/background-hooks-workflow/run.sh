#!/usr/bin/env bash
# Runs the example and checks what it shows: the workflow answers, and the hook of
# each step logs its agent and run in the background.
source "$(dirname "$0")/../lib.sh"
start host.yaml

echo "Asking AnalysisWorkflow"
answer=$(post /workflows/analysis-workflow/runs -F message='Is remote work good?' -F stream=false)
echo "Run: $(jq -r .run_id <<<"$answer")"
echo "Status: $(jq -r .status <<<"$answer")"
echo "Answer: $(jq -r .content <<<"$answer")"
[ "$(jq -r .status <<<"$answer")" = COMPLETED ] || fail "the run did not complete: $answer"
jq -e '[.step_results[].step_name] == ["analyze", "summarize"]' <<<"$answer" >/dev/null || fail "not the two steps: $answer"

echo "Waiting for the hooks in the background"
while read -r step; do
  id=$(jq -r .step_run_id <<<"$step")
  name=$(jq -r .executor_name <<<"$step")
  echo "== Step $(jq -r .step_name <<<"$step"): $name, run $id"
  hooks "$id"
  logs
  jq -e '.data | length == 1 and .[0].mode == "background"' <<<"$calls" >/dev/null || fail "not one hook in the background"
  has request-log.response "run_id=\"$id\""
  has request-log.response "agent=\"$name\""
  has request-log.response "content_length=$(jq '.content | utf8bytelength' <<<"$step")"
done < <(jq -c '.step_results[]' <<<"$answer")
echo "OK"
