"""The environment in which Alembic runs the migrations: on the connection that the caller has opened."""

from alembic import context

from tidzam.store.migrate import configure_context

with configure_context(context):
    context.run_migrations()
