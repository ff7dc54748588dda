-- What a list of sessions shows is kept beside the sessions, so that a page of it
-- reads no runs.

ALTER TABLE sessions ADD COLUMN title TEXT NOT NULL DEFAULT ''; -- the first message, cut

UPDATE sessions SET title = coalesce((
    SELECT substr(CASE json_type(doc, '$.input') WHEN 'text' THEN doc ->> '$.input' ELSE doc -> '$.input' END, 1, 80)
    FROM runs WHERE session_id = sessions.id AND turn = 1), '');

CREATE INDEX sessions_of_component ON sessions (component_kind, component_id, created_at);
CREATE INDEX sessions_of_kind ON sessions (component_kind, created_at);
CREATE INDEX sessions_of_user ON sessions (user_id, created_at) WHERE user_id <> '';
CREATE INDEX sessions_updated ON sessions (component_kind, updated_at);

-- Runs that have not ended, and those of members.
CREATE INDEX runs_without_turn ON runs (session_id) WHERE turn IS NULL;

-- The tokens of all runs of a session, by model.
CREATE TABLE session_usage (
    session_id        TEXT NOT NULL,
    model             TEXT NOT NULL,
    provider          TEXT NOT NULL,
    input_tokens      INTEGER NOT NULL,
    output_tokens     INTEGER NOT NULL,
    total_tokens      INTEGER NOT NULL,
    reasoning_tokens  INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    PRIMARY KEY (session_id, model, provider)
) STRICT, WITHOUT ROWID;

INSERT INTO session_usage
SELECT session_id, coalesce(doc ->> '$.model', ''), coalesce(doc ->> '$.model_provider', ''),
    sum(coalesce(doc ->> '$.metrics.input_tokens', 0)), sum(coalesce(doc ->> '$.metrics.output_tokens', 0)),
    sum(coalesce(doc ->> '$.metrics.total_tokens', 0)), sum(coalesce(doc ->> '$.metrics.reasoning_tokens', 0)),
    sum(coalesce(doc ->> '$.metrics.cache_read_tokens', 0))
FROM runs WHERE status IN ('COMPLETED', 'CANCELLED', 'ERROR')
GROUP BY 1, 2, 3 HAVING sum(coalesce(doc ->> '$.metrics.total_tokens', 0)) > 0;
