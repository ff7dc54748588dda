-- What came of the manifest's own tests, and when the version was last activated.

ALTER TABLE plugins ADD COLUMN tests TEXT NOT NULL DEFAULT 'not_run';
ALTER TABLE plugins ADD COLUMN activated_at INTEGER NOT NULL DEFAULT 0;
