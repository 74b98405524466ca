"""What needs no account."""

from tests.desk_world import World


async def test_health_says_whether_the_picture_is_of_now_and_nothing_else(world: World) -> None:
    async with world.client() as client:
        assert (await client.get("/health")).json() == {"well": True, "behind_ms": 0}
        world.story.now_ms += 60_000
        assert (await client.get("/health")).json() == {"well": False, "behind_ms": 60_000}


async def test_scripts_are_told_only_their_own_sentences(world: World) -> None:
    async with world.client() as client:
        told = (await client.get("/texts/checkpoint.en.json")).json()
        assert told["pass"] == "Pass"
        assert "login_wrong" not in told
        for path in ("/texts/none.zh.json", "/texts/board.fr.json"):
            assert (await client.get(path)).status_code == 404


async def test_the_service_worker_may_serve_the_checkpoint_and_is_always_asked_anew(world: World) -> None:
    async with world.client() as client:
        response = await client.get("/worker.js")
        assert response.headers["content-type"].startswith("text/javascript")
        assert response.headers["cache-control"] == "no-cache"
        assert (await client.get("/manifest.webmanifest")).json()["start_url"] == "/"
