-- Hook calls are listed by what these columns say, the last stored first: every
-- index ends in the rowid, which follows the order of storing.

ALTER TABLE hook_calls ADD COLUMN session_id  TEXT NOT NULL DEFAULT '';
ALTER TABLE hook_calls ADD COLUMN plugin      TEXT NOT NULL DEFAULT '';
ALTER TABLE hook_calls ADD COLUMN hook        TEXT NOT NULL DEFAULT '';
ALTER TABLE hook_calls ADD COLUMN mode        TEXT NOT NULL DEFAULT '';
ALTER TABLE hook_calls ADD COLUMN created_at  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hook_calls ADD COLUMN finished_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hook_calls ADD COLUMN logged      INTEGER NOT NULL DEFAULT 0; -- final, with logs in doc

UPDATE hook_calls SET
    session_id  = coalesce(doc ->> 'session_id', ''),
    plugin      = coalesce(doc ->> 'plugin', ''),
    hook        = coalesce(doc ->> 'hook', ''),
    mode        = coalesce(doc ->> 'mode', ''),
    created_at  = coalesce(unixepoch(doc ->> 'created_at'), 0) * 1000000000,
    finished_at = coalesce(unixepoch(doc ->> 'finished_at'), 0) * 1000000000,
    logged      = status NOT IN ('queued', 'running') AND coalesce(json_array_length(doc, '$.logs'), 0) > 0;

CREATE INDEX hook_calls_of_session ON hook_calls (session_id);
CREATE INDEX hook_calls_of_plugin ON hook_calls (plugin);
CREATE INDEX hook_calls_of_status ON hook_calls (status) WHERE status <> 'completed';
CREATE INDEX hook_calls_logged ON hook_calls (finished_at) WHERE logged;

DROP INDEX hook_calls_open;
CREATE INDEX hook_calls_open ON hook_calls (owner, plugin, next_attempt_at) WHERE status IN ('queued', 'running');
