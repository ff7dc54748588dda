-- Times are Unix nanoseconds, 0 for none. A doc is the whole row as JSON; where
-- a column repeats a field of it, the column is the truth. A spec and a result
-- are what no column has.

CREATE TABLE runs (
    seq              INTEGER PRIMARY KEY,       -- the order of storing
    id               TEXT NOT NULL UNIQUE,
    place            INTEGER NOT NULL,          -- the order of creation, among runs that have not ended
    session_id       TEXT NOT NULL,
    background       INTEGER NOT NULL,
    parallel         INTEGER NOT NULL,          -- waits for no other run of its session
    status           TEXT NOT NULL,
    attempt          INTEGER NOT NULL,          -- the fence
    losses           INTEGER NOT NULL DEFAULT 0, -- workers that died with the run
    owner            TEXT NOT NULL,             -- empty when nobody holds the run
    lease_until      INTEGER NOT NULL,
    due_at           INTEGER NOT NULL,          -- of a background run that nobody holds
    cancel_requested INTEGER NOT NULL,          -- the run is to end CANCELLED
    turn             INTEGER,                   -- once it has ended: 1 for the session's first, 0 inside another run
    first_call       INTEGER,                   -- its hook calls lie in one piece, which may have holes
    last_call        INTEGER,
    created_at       INTEGER NOT NULL,
    finished_at      INTEGER NOT NULL,
    streamed         INTEGER NOT NULL,          -- final, with events
    idempotency_key  TEXT,
    doc              TEXT NOT NULL
) STRICT;

CREATE INDEX runs_of_session ON runs (session_id, turn, status, first_call, last_call);
CREATE INDEX runs_unfinished ON runs (owner, place) WHERE status IN ('PENDING', 'RUNNING');
CREATE INDEX runs_background ON runs (status, background) WHERE status IN ('PENDING', 'RUNNING') AND background;
CREATE INDEX runs_streamed ON runs (finished_at) WHERE streamed;
CREATE UNIQUE INDEX runs_of_key ON runs (idempotency_key) WHERE idempotency_key IS NOT NULL;

-- The runs inside others, in the order of storing. Each has ended; before that it
-- has no row.
CREATE TABLE run_children (
    seq        INTEGER PRIMARY KEY,
    run_id     TEXT NOT NULL,
    root_id    TEXT NOT NULL,
    parent_id  TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX run_children_of_parent ON run_children (parent_id, created_at);
CREATE INDEX run_children_of_root ON run_children (root_id);

-- What background runs were asked, until their hooks have permitted it.
CREATE TABLE run_inputs (
    run_id  TEXT PRIMARY KEY,
    request TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What background runs go on from.
CREATE TABLE run_checkpoints (
    run_id TEXT PRIMARY KEY,
    state  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The streams of background runs.
CREATE TABLE run_events (
    run_id TEXT NOT NULL,
    idx    INTEGER NOT NULL,
    doc    TEXT NOT NULL,
    PRIMARY KEY (run_id, idx)
) STRICT, WITHOUT ROWID;

-- Cancels of runs that did not exist when they came.
CREATE TABLE run_cancels (
    run_id       TEXT PRIMARY KEY,
    requested_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX run_cancels_old ON run_cancels (requested_at);

CREATE TABLE sessions (
    id             TEXT PRIMARY KEY,
    component_kind TEXT NOT NULL,
    component_id   TEXT NOT NULL,
    component_name TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    name           TEXT NOT NULL,
    title          TEXT NOT NULL,             -- the first message, cut
    state          TEXT,
    metadata       TEXT,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX sessions_of_component ON sessions (component_kind, component_id, created_at);
CREATE INDEX sessions_of_kind ON sessions (component_kind, created_at);
CREATE INDEX sessions_of_user ON sessions (user_id, created_at) WHERE user_id <> '';
CREATE INDEX sessions_updated ON sessions (component_kind, updated_at);

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

CREATE TABLE hook_calls (
    seq             INTEGER PRIMARY KEY,       -- the order of storing
    id              TEXT NOT NULL UNIQUE,
    run_id          TEXT NOT NULL,
    session_id      TEXT NOT NULL,
    plugin          TEXT NOT NULL,
    hook            TEXT NOT NULL,
    mode            TEXT NOT NULL,
    sequence        INTEGER NOT NULL,
    position        INTEGER NOT NULL,
    status          TEXT NOT NULL,
    attempt         INTEGER NOT NULL,
    releases        INTEGER NOT NULL DEFAULT 0, -- with attempt the fence
    max_attempts    INTEGER NOT NULL,
    owner           TEXT NOT NULL,             -- empty when nobody holds the call
    lease_until     INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    created_at      INTEGER NOT NULL,
    started_at      INTEGER NOT NULL,
    finished_at     INTEGER NOT NULL,
    logged          INTEGER NOT NULL,          -- final, with logs in result
    snapshot_id     TEXT NOT NULL,
    spec            TEXT NOT NULL,             -- what is fixed when the call is stored
    result          TEXT NOT NULL              -- what came of it
) STRICT;

-- The calls of a run or a session are found through the runs. A call that is
-- queued is in as few indexes as can be: a run's end waits for it.
CREATE INDEX hook_calls_open ON hook_calls (owner, plugin, next_attempt_at, status) WHERE status IN ('queued', 'running');
CREATE INDEX hook_calls_of_plugin ON hook_calls (plugin) WHERE status <> 'queued' AND status <> 'running';
CREATE INDEX hook_calls_of_status ON hook_calls (status)
    WHERE status <> 'queued' AND status <> 'running' AND status <> 'completed';
CREATE INDEX hook_calls_logged ON hook_calls (finished_at) WHERE logged;

CREATE TABLE snapshots (
    id      TEXT PRIMARY KEY,
    run_id  TEXT NOT NULL,
    context BLOB NOT NULL
) STRICT;

-- What hooks found of runs.
CREATE TABLE evaluations (
    seq            INTEGER PRIMARY KEY,        -- the order of storing
    id             TEXT NOT NULL UNIQUE,
    run_id         TEXT NOT NULL,
    hook_call_id   TEXT NOT NULL,
    component_kind TEXT NOT NULL,
    component_id   TEXT NOT NULL,
    model          TEXT NOT NULL,
    name           TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    doc            TEXT NOT NULL
) STRICT;

CREATE INDEX evaluations_created ON evaluations (created_at);
CREATE INDEX evaluations_of_run ON evaluations (run_id, created_at);
CREATE INDEX evaluations_of_component ON evaluations (component_kind, component_id, created_at);
CREATE INDEX evaluations_of_model ON evaluations (model, created_at);

CREATE TABLE modules (
    digest TEXT PRIMARY KEY,
    bytes  BLOB NOT NULL
) STRICT;

CREATE TABLE plugins (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL,
    version      TEXT NOT NULL,
    digest       TEXT NOT NULL UNIQUE,
    manifest     TEXT NOT NULL,
    module_size  INTEGER NOT NULL,
    tests        TEXT NOT NULL,                -- what came of the manifest's own tests
    active       INTEGER NOT NULL DEFAULT 0,
    grants       TEXT,                         -- NULL until the version is activated
    activated_at INTEGER NOT NULL DEFAULT 0,   -- of the version that is active or was the last to be, else 0
    created_at   INTEGER NOT NULL,
    UNIQUE (name, version)
) STRICT;

-- What plugins keep between calls, by the plugin's name. Keys are text, compared
-- byte for byte.
CREATE TABLE plugin_values (
    plugin TEXT NOT NULL,
    key    BLOB NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (plugin, key)
) STRICT;

-- One list per scope; the whole host is the scope with an empty kind and id.
CREATE TABLE bindings (
    component_kind TEXT NOT NULL,
    component_id   TEXT NOT NULL,
    doc            TEXT NOT NULL,
    PRIMARY KEY (component_kind, component_id)
) STRICT;

-- The one row grows with every change of plugins and bindings.
CREATE TABLE plugin_revision (revision INTEGER NOT NULL) STRICT;
INSERT INTO plugin_revision VALUES (0);
