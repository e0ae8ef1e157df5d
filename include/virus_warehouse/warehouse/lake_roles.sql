-- sqlfluff:dialect:postgres
-- Roles of PostgreSQL for a lake: virus_warehouse_writer creates, loads and publishes it, virus_warehouse_reader reads
-- it. For psql, as a superuser, in a database that has nothing but the catalog in the schema virus_warehouse. It may be
-- run again, and also where the lake is there already. The roles get their passwords afterwards, with \password.
DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'virus_warehouse_writer') THEN
        CREATE ROLE virus_warehouse_writer LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'virus_warehouse_reader') THEN
        CREATE ROLE virus_warehouse_reader LOGIN;
    END IF;
END
$roles$;

-- CREATE for the writer: DuckLake asks for the schema IF NOT EXISTS, and PostgreSQL looks at the privilege first.
DO $of_the_database$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO virus_warehouse_writer', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO virus_warehouse_reader', current_database());
END
$of_the_database$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA IF NOT EXISTS virus_warehouse;
ALTER SCHEMA virus_warehouse OWNER TO virus_warehouse_writer;

-- The tables of a catalog that somebody else has created.
DO $ownership$
DECLARE
    catalog_table REGCLASS;
BEGIN
    FOR catalog_table IN
        SELECT oid FROM pg_class WHERE relnamespace = 'virus_warehouse'::REGNAMESPACE AND relkind IN ('r', 'p')
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO virus_warehouse_writer', catalog_table);
    END LOOP;
END
$ownership$;

GRANT USAGE ON SCHEMA virus_warehouse TO virus_warehouse_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA virus_warehouse TO virus_warehouse_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE virus_warehouse_writer IN SCHEMA virus_warehouse
GRANT SELECT ON TABLES TO virus_warehouse_reader;

-- Anybody may take advisory locks by default, and so could stop all writers.
DO $locks$
DECLARE
    lock_function REGPROCEDURE;
BEGIN
    FOR lock_function IN
        SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::REGNAMESPACE AND proname ~ '^pg_(try_)?advisory_'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', lock_function);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO virus_warehouse_writer', lock_function);
    END LOOP;
END
$locks$;
