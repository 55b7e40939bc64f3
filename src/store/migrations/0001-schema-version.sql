-- The generation of this registry: exactly one row, written last (01 §5).
CREATE TABLE schema_version (
  version INTEGER NOT NULL
);
