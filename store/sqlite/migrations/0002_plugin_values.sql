-- What plugins keep between calls, by the plugin's name. Keys are text, compared
-- byte for byte.

CREATE TABLE plugin_values (
    plugin TEXT NOT NULL,
    key    BLOB NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (plugin, key)
) STRICT;
