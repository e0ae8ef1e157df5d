"""Alembic's entry point: runs the migrations on the connection that `warehouse.migrate` hands over."""

from alembic import context

from virus_warehouse.warehouse.schema import OPERATIONS_SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_schemas=True,
    version_table_schema=OPERATIONS_SCHEMA,
    version_table_pk=False,  # a key is an index, which DuckLake lacks
)
with context.begin_transaction():
    context.run_migrations()
