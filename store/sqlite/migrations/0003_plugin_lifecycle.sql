-- What came of the manifest's own tests; and when the version was activated, for
-- the version of a name that is active or was the last to be, else 0.

ALTER TABLE plugins ADD COLUMN tests TEXT NOT NULL DEFAULT 'not_run';
ALTER TABLE plugins ADD COLUMN activated_at INTEGER NOT NULL DEFAULT 0;
UPDATE plugins SET activated_at = created_at WHERE active;
