-- What the dashboard's role may do: read everything, write analysis jobs and their audit log, and take
-- back what was erased. Run by every migration, so that it holds for tables that came later and for a
-- role that came later. An installation without the role (one person's, say) has nothing to grant.
DO $$
BEGIN
    -- Two that grant at once would fail on each other.
    PERFORM pg_advisory_xact_lock(hashtext('nexus rights'));
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'nexus_dashboard') THEN
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO nexus_dashboard;
        GRANT INSERT, UPDATE ON analyses TO nexus_dashboard;
        GRANT UPDATE ON analysis_attempts TO nexus_dashboard;
        GRANT INSERT ON analysis_audit TO nexus_dashboard;
        -- An import through the data API takes back what was erased.
        GRANT DELETE ON erased_exchanges TO nexus_dashboard;
    END IF;
END
$$;
