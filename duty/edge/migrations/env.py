"""What alembic runs: the steps that are missing, on the connection it was handed, in the caller's transaction."""

from alembic import context

from duty.edge.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
