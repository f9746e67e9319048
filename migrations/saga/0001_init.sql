-- Sagas that are a context of their own.
CREATE TABLE saga_instances (
    definition TEXT NOT NULL,
    id UUID NOT NULL,
    definition_version BIGINT NOT NULL CHECK (definition_version >= 1),
    version BIGINT NOT NULL CHECK (version >= 1),
    -- The state's name, for queries.
    state TEXT NOT NULL,
    -- Why an operator must look.
    attention JSON,
    settled BOOLEAN NOT NULL,
    -- The whole instance.
    instance JSON NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (definition, id)
) WITH (fillfactor = 70);
CREATE INDEX saga_instances_unsettled ON saga_instances (definition, id) WHERE NOT settled;

CREATE TRIGGER saga_instances_times BEFORE UPDATE ON saga_instances FOR EACH ROW EXECUTE FUNCTION keep_times();
