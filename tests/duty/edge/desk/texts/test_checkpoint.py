from duty.edge.desk.routes.checkpoint import SITES
from duty.edge.desk.texts import for_scripts
from tests.duty.edge.desk.texts.checks import check


def test_both_languages_say_the_same() -> None:
    check("checkpoint")


def test_the_script_is_told_every_verdict_and_site() -> None:
    told = for_scripts("checkpoint", "zh")
    for verdict in ("pass", "again", "stop", "no-reading", "waiting"):
        assert told[verdict]
    for site in SITES:
        assert told[f"site_{site}"]
