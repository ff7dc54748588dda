#!/usr/bin/env bash
# Runs the example and checks what it shows: the answer comes first, and what the
# hooks log after it.
source "$(dirname "$0")/../lib.sh"
start host.yaml

echo "Asking BackgroundTaskAgent"
answer=$(post /agents/background-task-agent/runs -F message='What is a hook?' -F stream=false)
id=$(jq -r .run_id <<<"$answer")
content=$(jq -r .content <<<"$answer")
echo "Run: $id"
echo "Status: $(jq -r .status <<<"$answer")"
echo "Answer: $content"
[ "$(jq -r .status <<<"$answer")" = COMPLETED ] || fail "the run did not complete"
get "/runs/$id/hooks" | jq -e 'any(.data[]; .hook == "notify" and .status != "completed")' >/dev/null ||
  fail "the notifier was done before the answer"

echo "Waiting for the hooks in the background"
hooks "$id"
logs
has request-log.request 'agent="BackgroundTaskAgent"'
has request-log.request 'What is a hook?'
has request-log.response "run_id=\"$id\""
has request-log.response "content_length=$(printf %s "$content" | wc -c)"
has notifier.notify 'Notification sent!'
echo "OK"
