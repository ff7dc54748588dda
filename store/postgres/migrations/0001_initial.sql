-- Times are Unix nanoseconds, 0 for none, but for nodes. A doc is the whole row as
-- JSON, as bytes: it may hold what text cannot. Where a column repeats a field of
-- it, the column is the truth. Text is compared byte for byte.

CREATE TABLE runs (
    seq              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order of creation, per session
    id               TEXT COLLATE "C" NOT NULL UNIQUE,
    session_id       TEXT COLLATE "C" NOT NULL,
    component_kind   TEXT COLLATE "C" NOT NULL,
    component_id     TEXT COLLATE "C" NOT NULL,
    background       BOOLEAN NOT NULL,
    parallel         BOOLEAN NOT NULL,          -- waits for no other run of its session
    status           TEXT COLLATE "C" NOT NULL,
    attempt          INTEGER NOT NULL,          -- the fence
    losses           INTEGER NOT NULL DEFAULT 0, -- workers that died with the run
    owner            TEXT COLLATE "C" NOT NULL, -- empty when nobody holds the run
    lease_until      BIGINT NOT NULL,           -- as it was claimed; see nodes
    due_at           BIGINT NOT NULL,           -- of a background run that nobody holds
    cancel_requested BOOLEAN NOT NULL,          -- the run is to end CANCELLED
    turn             INTEGER,                   -- once it has ended: 1 for the session's first, 0 inside another run
    created_at       BIGINT NOT NULL,
    finished_at      BIGINT NOT NULL,
    doc              BYTEA NOT NULL
);

-- Every partial index costs each write a look at its condition, so there is one.
CREATE INDEX runs_of_session ON runs (session_id, turn, seq);
CREATE INDEX runs_unfinished ON runs (owner, background, seq) WHERE status IN ('PENDING', 'RUNNING');

-- The runs inside others. Each has ended; before that it has no row.
CREATE TABLE run_children (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order of storing
    run_id     TEXT COLLATE "C" NOT NULL,
    root_id    TEXT COLLATE "C" NOT NULL,
    parent_id  TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX run_children_of_parent ON run_children (parent_id, created_at, seq);
CREATE INDEX run_children_of_root ON run_children (root_id);

-- What clients called their requests.
CREATE TABLE idempotency_keys (
    key    TEXT COLLATE "C" PRIMARY KEY,
    run_id TEXT COLLATE "C" NOT NULL UNIQUE
);

-- What background runs were asked, until their hooks have permitted it.
CREATE TABLE run_inputs (
    run_id  TEXT COLLATE "C" PRIMARY KEY,
    request BYTEA NOT NULL
);

-- What background runs go on from.
CREATE TABLE run_checkpoints (
    run_id TEXT COLLATE "C" PRIMARY KEY,
    state  BYTEA NOT NULL
);

-- The streams of background runs.
CREATE TABLE run_events (
    run_id TEXT COLLATE "C" NOT NULL,
    idx    INTEGER NOT NULL,
    doc    BYTEA NOT NULL,
    PRIMARY KEY (run_id, idx)
);

-- The streams that have ended.
CREATE TABLE run_streams (
    run_id      TEXT COLLATE "C" PRIMARY KEY,
    finished_at BIGINT NOT NULL
);

CREATE INDEX run_streams_old ON run_streams (finished_at);

-- Cancels of runs that did not exist when they came.
CREATE TABLE run_cancels (
    run_id       TEXT COLLATE "C" PRIMARY KEY,
    requested_at BIGINT NOT NULL
);

CREATE INDEX run_cancels_old ON run_cancels (requested_at);

CREATE TABLE sessions (
    seq            BIGINT GENERATED ALWAYS AS IDENTITY,
    id             TEXT COLLATE "C" PRIMARY KEY,
    component_kind TEXT COLLATE "C" NOT NULL,
    component_id   TEXT COLLATE "C" NOT NULL,
    component_name TEXT COLLATE "C" NOT NULL,
    user_id        TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    title          TEXT COLLATE "C" NOT NULL, -- the first message, cut
    state          BYTEA,
    metadata       BYTEA,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL
);

CREATE INDEX sessions_of_component ON sessions (component_kind, component_id, created_at, seq);
CREATE INDEX sessions_of_kind ON sessions (component_kind, created_at, seq);
CREATE INDEX sessions_of_user ON sessions (user_id, created_at, seq) WHERE user_id <> '';
CREATE INDEX sessions_updated ON sessions (component_kind, updated_at, seq);

-- The tokens of all runs of a session, by model.
CREATE TABLE session_usage (
    session_id        TEXT COLLATE "C" NOT NULL,
    model             TEXT COLLATE "C" NOT NULL,
    provider          TEXT COLLATE "C" NOT NULL,
    input_tokens      BIGINT NOT NULL,
    output_tokens     BIGINT NOT NULL,
    total_tokens      BIGINT NOT NULL,
    reasoning_tokens  BIGINT NOT NULL,
    cache_read_tokens BIGINT NOT NULL,
    PRIMARY KEY (session_id, model, provider)
);

CREATE TABLE hook_calls (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order of storing
    id              TEXT COLLATE "C" NOT NULL UNIQUE,
    run_id          TEXT COLLATE "C" NOT NULL,
    session_id      TEXT COLLATE "C" NOT NULL,
    plugin          TEXT COLLATE "C" NOT NULL,
    digest          TEXT COLLATE "C" NOT NULL,
    hook            TEXT COLLATE "C" NOT NULL,
    mode            TEXT COLLATE "C" NOT NULL,
    sequence        BIGINT NOT NULL,
    position        INTEGER NOT NULL,
    status          TEXT COLLATE "C" NOT NULL,
    attempt         INTEGER NOT NULL,
    releases        INTEGER NOT NULL DEFAULT 0, -- with attempt the fence
    max_attempts    INTEGER NOT NULL,
    owner           TEXT COLLATE "C" NOT NULL, -- empty when nobody holds the call
    lease_until     BIGINT NOT NULL,           -- as it was claimed; see nodes
    next_attempt_at BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    started_at      BIGINT NOT NULL,
    finished_at     BIGINT NOT NULL,
    logged          BOOLEAN NOT NULL,          -- final, with logs in doc
    snapshot_id     TEXT COLLATE "C" NOT NULL,
    spec            BYTEA,
    doc             BYTEA NOT NULL
);

CREATE INDEX hook_calls_of_run ON hook_calls (run_id, sequence, position);
CREATE INDEX hook_calls_open ON hook_calls (owner, plugin, next_attempt_at) WHERE status IN ('queued', 'running');
CREATE INDEX hook_calls_of_session ON hook_calls (session_id, seq);
CREATE INDEX hook_calls_of_plugin ON hook_calls (plugin, seq);
CREATE INDEX hook_calls_of_status ON hook_calls (status, seq);
CREATE INDEX hook_calls_logged ON hook_calls (finished_at) WHERE logged;

CREATE TABLE snapshots (
    id      TEXT COLLATE "C" PRIMARY KEY,
    run_id  TEXT COLLATE "C" NOT NULL,
    context BYTEA NOT NULL
);

-- What hooks found of runs.
CREATE TABLE evaluations (
    seq            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order of storing
    id             TEXT COLLATE "C" NOT NULL UNIQUE,
    run_id         TEXT COLLATE "C" NOT NULL,
    hook_call_id   TEXT COLLATE "C" NOT NULL,
    component_kind TEXT COLLATE "C" NOT NULL,
    component_id   TEXT COLLATE "C" NOT NULL,
    model          TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    doc            BYTEA NOT NULL
);

CREATE INDEX evaluations_created ON evaluations (created_at, seq);
CREATE INDEX evaluations_of_run ON evaluations (run_id, created_at, seq);
CREATE INDEX evaluations_of_component ON evaluations (component_kind, component_id, created_at, seq);
CREATE INDEX evaluations_of_model ON evaluations (model, created_at, seq);

CREATE TABLE modules (
    digest TEXT COLLATE "C" PRIMARY KEY,
    bytes  BYTEA NOT NULL
);

CREATE TABLE plugins (
    seq          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         TEXT COLLATE "C" NOT NULL,
    version      TEXT COLLATE "C" NOT NULL,
    digest       TEXT COLLATE "C" NOT NULL UNIQUE,
    manifest     BYTEA NOT NULL,
    module_size  BIGINT NOT NULL,
    tests        TEXT COLLATE "C" NOT NULL,    -- what came of the manifest's own tests
    active       BOOLEAN NOT NULL DEFAULT FALSE,
    grants       BYTEA,                        -- NULL until the version is activated
    activated_at BIGINT NOT NULL DEFAULT 0,    -- of the version that is active or was the last to be, else 0
    created_at   BIGINT NOT NULL,
    UNIQUE (name, version)
);

-- What plugins keep between calls, by the plugin's name.
CREATE TABLE plugin_values (
    plugin TEXT COLLATE "C" NOT NULL,
    key    BYTEA NOT NULL,
    value  BYTEA NOT NULL,
    PRIMARY KEY (plugin, key)
);

-- One list per scope; the whole host is the scope with an empty kind and id.
CREATE TABLE bindings (
    component_kind TEXT COLLATE "C" NOT NULL,
    component_id   TEXT COLLATE "C" NOT NULL,
    doc            BYTEA NOT NULL,
    PRIMARY KEY (component_kind, component_id)
);

-- The one row grows with every change of plugins and bindings.
CREATE TABLE plugin_revision (revision BIGINT NOT NULL);
INSERT INTO plugin_revision VALUES (0);

-- The processes that hold rows. A lease that is renewed is renewed here, not in
-- the rows. An owner that is not here lives by the leases of its rows.
CREATE TABLE nodes (
    id          TEXT COLLATE "C" PRIMARY KEY,
    lease_until BIGINT NOT NULL,      -- by the node's clock
    expires_at  TIMESTAMPTZ NOT NULL, -- the same, by the database's
    lock_key    BIGINT NOT NULL,      -- of the advisory lock it holds while it is connected
    attended    BOOLEAN NOT NULL      -- it has held the lock
);
