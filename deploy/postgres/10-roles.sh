#!/bin/sh
# Runs once, when the database is created: the writer owns the schema, the dashboard reads, and
# writes only what it owns (analysis jobs and their audit log, granted by the migrations).
set -eu
secrets=${SECRETS_DIR:-/run/secrets}
writer=$(cat "$secrets/postgres_writer_password")
reader=$(cat "$secrets/postgres_dashboard_password")
psql --set ON_ERROR_STOP=1 --set writer="$writer" --set reader="$reader" --username "$POSTGRES_USER" --dbname postgres <<'SQL'
CREATE ROLE nexus_writer LOGIN PASSWORD :'writer';
CREATE ROLE nexus_dashboard LOGIN PASSWORD :'reader';
CREATE DATABASE nexus OWNER nexus_writer;
REVOKE ALL ON DATABASE nexus FROM PUBLIC;
GRANT CONNECT ON DATABASE nexus TO nexus_dashboard;
\connect nexus
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO nexus_writer;
GRANT USAGE ON SCHEMA public TO nexus_dashboard;
ALTER DEFAULT PRIVILEGES FOR ROLE nexus_writer IN SCHEMA public GRANT SELECT ON TABLES TO nexus_dashboard;
SQL
