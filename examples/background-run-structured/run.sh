#!/usr/bin/env bash
# Runs the example and checks what it shows: a run in the background with a schema
# of its own, and three that go on at the same time.
source "$(dirname "$0")/../lib.sh"
start host.yaml

echo "== Facts about cities, in the form of cities.schema.json"
accepted=$(post /agents/city-facts-agent/runs -F background=true -F stream=false \
  -F message='Tell me about three capital cities' -F "output_schema=<$example/cities.schema.json")
id=$(jq -r .run_id <<<"$accepted")
session=$(jq -r .session_id <<<"$accepted")
echo "Run: $id"
echo "Status: $(jq -r .status <<<"$accepted")"
[ "$(jq -r .status <<<"$accepted")" = PENDING ] || fail "the run was not PENDING: $accepted"

ended agents/city-facts-agent "$id" "$session"
[ "$(jq -r .status <<<"$run")" = COMPLETED ] || fail "the run did not complete: $run"
[ "$(jq -r .content_type <<<"$run")" = CityFacts ] || fail "the content is no CityFacts: $run"
jq -e '.content.cities | length > 0 and all(.[]; .population > 0)' <<<"$run" >/dev/null || fail "no cities: $run"
jq -r '.content.cities[] | "City: \(.city)", "Country: \(.country)", "Population: \(.population)", "Fun fact: \(.fun_fact)", ""' <<<"$run"

echo "== Three quiz questions at once, each in a session of its own"
declare -A sessions runs
for topic in history science geography; do
  accepted=$(post /agents/quiz-agent/runs -F background=true -F stream=false -F "message=One question about $topic")
  runs[$topic]=$(jq -r .run_id <<<"$accepted")
  sessions[$topic]=$(jq -r .session_id <<<"$accepted")
  echo "Run: ${runs[$topic]} ($topic), $(jq -r .status <<<"$accepted")"
done
for topic in history science geography; do
  echo "-- $topic"
  ended agents/quiz-agent "${runs[$topic]}" "${sessions[$topic]}"
  jq -e '.status == "COMPLETED" and .content_type == "QuizQuestion"' <<<"$run" >/dev/null || fail "no question: $run"
  jq -r '"Question: \(.content.question)", "Answer: \(.content.answer)"' <<<"$run"
done
[ "$(printf '%s\n' "${sessions[@]}" | sort -u | wc -l)" = 3 ] || fail "the runs share a session"
echo "OK"
