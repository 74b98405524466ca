"""Pages under way: who was told, by what channel, with what answer."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("grid", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("person", sa.Text(), server_default="", nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), server_default="", nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("repeat", sa.Boolean(), nullable=False),
        sa.Column("bundle", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempts_by_time", "attempts", ["started_ms"], unique=False)
    op.create_index(op.f("ix_attempts_incident"), "attempts", ["incident"], unique=False)
    op.create_index(op.f("ix_attempts_page"), "attempts", ["page"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("incident", sa.String(), nullable=False),
        sa.Column("grid", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(), server_default="", nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("t_ms", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("page"),
    )
    op.create_index("deliveries_by_state", "deliveries", ["ended", "t_ms"], unique=False)
    op.create_index(op.f("ix_deliveries_incident"), "deliveries", ["incident"], unique=False)
    op.create_table(
        "kept",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "webhook_pages",
        sa.Column("page", sa.String(), nullable=False),
        sa.Column("grid", sa.Text(), server_default="", nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("began_ms", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("page"),
    )
    op.create_index("webhook_pages_by_state", "webhook_pages", ["ended_ms", "next_ms"], unique=False)
