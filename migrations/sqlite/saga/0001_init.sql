-- Sagas that are a context of their own.
CREATE TABLE saga_instances (
    definition TEXT NOT NULL,
    id TEXT NOT NULL,
    definition_version INTEGER NOT NULL CHECK (definition_version >= 1),
    version INTEGER NOT NULL CHECK (version >= 1),
    -- The state's name, for queries.
    state TEXT NOT NULL,
    -- Why an operator must look: JSON.
    attention TEXT,
    settled INTEGER NOT NULL CHECK (settled IN (0, 1)),
    -- The whole instance: JSON.
    instance TEXT NOT NULL,
    PRIMARY KEY (definition, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX saga_instances_unsettled ON saga_instances (definition, id) WHERE settled = 0;
