#!/usr/bin/env bash
# Runs the example and checks what it shows: the team's answer comes first, and
# what the hooks of the team and of each member log after it.
source "$(dirname "$0")/../lib.sh"
start host.yaml

# logged RUN NAME LENGTH waits for the hooks of a run, prints what they logged, and
# asks for the run, the name and the length of the content in it.
logged() {
  echo "== $2, run $1"
  hooks "$1"
  logs
  has request-log.response "run_id=\"$1\""
  has request-log.response "agent=\"$2\""
  has request-log.response "content_length=$3"
}

echo "Asking ContentTeam"
answer=$(post /teams/content-team/runs -F message='What do bees do?' -F stream=false)
id=$(jq -r .run_id <<<"$answer")
echo "Run: $id"
echo "Status: $(jq -r .status <<<"$answer")"
echo "Answer: $(jq -r .content <<<"$answer")"
[ "$(jq -r .status <<<"$answer")" = COMPLETED ] || fail "the run did not complete"
get "/runs/$id/hooks" | jq -e 'any(.data[]; .hook == "notify" and .status != "completed")' >/dev/null ||
  fail "the notifier was done before the answer"

echo "Waiting for the hooks in the background"
logged "$id" ContentTeam "$(jq '.content | utf8bytelength' <<<"$answer")"
has request-log.request 'agent="ContentTeam"'
has request-log.request 'What do bees do?'
has notifier.notify 'Notification sent!'

for member in Researcher Writer; do
  jq -e --arg name "$member" 'any(.member_responses[]; .agent_name == $name)' <<<"$answer" >/dev/null ||
    fail "$member was not asked"
done
while read -r response; do
  logged "$(jq -r .run_id <<<"$response")" "$(jq -r .agent_name <<<"$response")" \
    "$(jq '.content | utf8bytelength' <<<"$response")"
done < <(jq -c '.member_responses[]' <<<"$answer")
echo "OK"
