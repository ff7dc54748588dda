-- Times are Unix nanoseconds, 0 for none. A doc is the whole row as JSON; where
-- a column repeats a field of it, the column is the truth.

CREATE TABLE runs (
    id          TEXT PRIMARY KEY,
    session_id  TEXT NOT NULL,
    parent_id   TEXT NOT NULL,             -- empty for a top-level run
    background  INTEGER NOT NULL,
    status      TEXT NOT NULL,
    attempt     INTEGER NOT NULL,          -- the fence
    owner       TEXT NOT NULL,             -- empty when nobody holds the run
    lease_until INTEGER NOT NULL,
    turn        INTEGER,                   -- 1 for the session's first finished top-level run
    created_at  INTEGER NOT NULL,
    doc         TEXT NOT NULL
) STRICT;

CREATE INDEX runs_of_session ON runs (session_id, status, turn) WHERE turn IS NOT NULL;
CREATE INDEX runs_unfinished ON runs (owner) WHERE status IN ('PENDING', 'RUNNING');

CREATE TABLE sessions (
    id             TEXT PRIMARY KEY,
    component_kind TEXT NOT NULL,
    component_id   TEXT NOT NULL,
    component_name TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    name           TEXT NOT NULL,
    state          TEXT,
    metadata       TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE hook_calls (
    id              TEXT PRIMARY KEY,
    run_id          TEXT NOT NULL,
    sequence        INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    status          TEXT NOT NULL,
    attempt         INTEGER NOT NULL,      -- the fence
    max_attempts    INTEGER NOT NULL,
    owner           TEXT NOT NULL,         -- empty when nobody holds the call
    lease_until     INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    started_at      INTEGER NOT NULL,
    snapshot_id     TEXT NOT NULL,
    spec            TEXT,
    doc             TEXT NOT NULL
) STRICT;

CREATE INDEX hook_calls_of_run ON hook_calls (run_id, sequence, position);
CREATE INDEX hook_calls_open ON hook_calls (owner, next_attempt_at) WHERE status IN ('queued', 'running');

CREATE TABLE snapshots (
    id      TEXT PRIMARY KEY,
    run_id  TEXT NOT NULL,
    context BLOB NOT NULL
) STRICT;

CREATE TABLE modules (
    digest TEXT PRIMARY KEY,
    bytes  BLOB NOT NULL
) STRICT;

CREATE TABLE plugins (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    version     TEXT NOT NULL,
    digest      TEXT NOT NULL UNIQUE,
    manifest    TEXT NOT NULL,
    module_size INTEGER NOT NULL,
    active      INTEGER NOT NULL DEFAULT 0,
    grants      TEXT,                      -- NULL until the version is activated
    created_at  INTEGER NOT NULL,
    UNIQUE (name, version)
) STRICT;

-- One list per scope; the whole host is the scope with an empty kind and id.
CREATE TABLE bindings (
    component_kind TEXT NOT NULL,
    component_id   TEXT NOT NULL,
    doc            TEXT NOT NULL,
    PRIMARY KEY (component_kind, component_id)
) STRICT;
