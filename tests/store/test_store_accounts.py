from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import AccountInUse, Conflict, InvalidRequest, NotFound
from gateway.store.accounts import (
    Account,
    Credentials,
    ImportSource,
    create_account,
    delete_account,
    find_account,
    get_account,
    list_accounts,
    save_credentials,
    set_account_enabled,
    set_profile_arn,
    update_account,
)
from gateway.store.api_keys import create_api_key, get_api_key
from gateway.store.database import Database, read_revision
from gateway.store.former_names import names_by_id
from tests.sample_store import (
    ARN,
    BOX,
    NOW,
    add_account,
    oidc_credentials,
    open_sample,
    stored_text,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("both_stores")]

EVERYTHING = Credentials(
    access_token="access-secret",
    refresh_token="refresh-secret",
    expires_at=NOW + timedelta(hours=1),
    client_id="client-id-secret",
    client_secret="client-secret-secret",
    client_expires_at=NOW + timedelta(days=90),
    token_endpoint="https://login.example.com/token",
    refresh_scope="a b offline_access",
    start_url="https://example-org.awsapps.com/start",
    api_key="ksk_secret",
    import_source=ImportSource("kiro-cli", "/home/me/data.sqlite3"),
)


async def save(
    database: Database,
    account_id: str,
    credentials: Credentials,
    *,
    expected: int | None,
    profile_arn: str | None = None,
    auth_region: str | None = None,
) -> int | None:
    async with database.begin() as db:
        return await save_credentials(
            db,
            BOX,
            account_id,
            credentials,
            auth_method="idc",
            profile_arn=profile_arn,
            auth_region=auth_region,
            expected_generation=expected,
            now=NOW,
        )


async def test_an_account_begins_without_a_sign_in(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
    assert account.name == "work"
    assert account.enabled
    assert (account.auth_method, account.credentials, account.generation) == (None, None, 0)
    assert (account.auth_region, account.api_region, account.proxy) == ("us-east-1", None, None)
    assert account.created_at == account.updated_at == NOW


async def test_credentials_come_back_as_they_were_stored(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", EVERYTHING)
    assert account.credentials == EVERYTHING


async def test_no_secret_is_readable_in_the_database(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            proxy = "http://me:proxy-secret@proxy.example.com:3128"
            account = await create_account(db, BOX, name="work", proxy=proxy, now=NOW)
        await save(database, account.id, EVERYTHING, expected=None)
        content = await stored_text(database)
        if not database.is_postgresql:
            files = (tmp_path / "store").iterdir()
            content += "".join(file.read_bytes().decode("latin-1") for file in files)
        async with database.connect() as db:
            assert (await get_account(db, BOX, "work")).proxy == proxy
    assert "work" in content
    assert "secret" not in content.replace("secret_", "").replace("_secret", "").replace(
        "retired_secrets", ""
    )


def test_the_repr_of_credentials_hides_every_secret() -> None:
    assert "secret" not in repr(EVERYTHING)


@pytest.mark.parametrize("name", ["a", "9", "Work.account_2-b", "x" * 64])
async def test_a_name_may_have_64_letters_digits_and_signs(tmp_path: Path, name: str) -> None:
    async with open_sample(tmp_path) as database:
        assert (await add_account(database, name)).name == name


@pytest.mark.parametrize(
    "name",
    ["", "x" * 65, ".hidden", "-flag", "_x", "two words", "sl/ash", "ümlaut", "new\nline", "a\n"],
)
async def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    async with open_sample(tmp_path) as database:
        with pytest.raises(InvalidRequest, match="1 to 64 letters"):
            await add_account(database, name)


async def test_a_name_is_taken_only_once(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        await add_account(database, "work")
        with pytest.raises(Conflict, match='already is an account "work"'):
            await add_account(database, "work")
        await add_account(database, "Work")
        async with database.connect() as db:
            assert [account.name for account in await list_accounts(db, BOX)] == ["Work", "work"]


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", " EU-Central-1 "])
async def test_a_region_is_kept_in_lower_case(tmp_path: Path, region: str) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", auth_region=region)
    assert account.auth_region == region.strip().lower()


@pytest.mark.parametrize(
    "region", ["", "useast1", "us-east-1.evil.example", "us-east-1/x", "../.."]
)
async def test_what_is_no_region_never_becomes_part_of_a_host_name(
    tmp_path: Path, region: str
) -> None:
    async with open_sample(tmp_path) as database:
        with pytest.raises(InvalidRequest, match="region looks like"):
            await add_account(database, "work", auth_region=region)


async def test_an_id_is_preferred_to_a_name(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        first = await add_account(database, "first")
        await add_account(database, first.id)
        async with database.connect() as db:
            assert await find_account(db, BOX, first.id) == first
            assert await find_account(db, BOX, "first") == first
            assert await find_account(db, BOX, "second") is None
            with pytest.raises(NotFound, match='no account "second"'):
                await get_account(db, BOX, "second")


async def test_credentials_are_replaced_only_if_nobody_replaced_them_meanwhile(
    tmp_path: Path,
) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", oidc_credentials())
        winner, loser = oidc_credentials(access="winner"), oidc_credentials(access="loser")
        assert await save(database, account.id, winner, expected=account.generation) == 2
        assert await save(database, account.id, loser, expected=account.generation) is None
        async with database.connect() as db:
            stored = await get_account(db, BOX, "work")
    assert stored.credentials == winner
    assert stored.generation == 2


async def test_a_new_sign_in_wins_and_takes_the_old_profile_along(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", oidc_credentials(), profile_arn=ARN)
        await save(database, account.id, EVERYTHING, expected=None, auth_region="eu-west-1")
        async with database.connect() as db:
            stored = await get_account(db, BOX, "work")
    assert (stored.credentials, stored.profile_arn) == (EVERYTHING, None)
    assert stored.auth_region == "eu-west-1"


async def test_a_refresh_that_learns_no_profile_keeps_the_stored_one(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", oidc_credentials())
        async with database.begin() as db:
            await set_profile_arn(db, account.id, ARN, now=NOW)
        # Looking up a profile is no change of credentials: this refresh began before it.
        assert await save(database, account.id, EVERYTHING, expected=account.generation) == 2
        async with database.connect() as db:
            stored = await get_account(db, BOX, "work")
    assert (stored.credentials, stored.profile_arn) == (EVERYTHING, ARN)


async def test_every_change_of_an_account_moves_the_revision(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        seen = []

        async def look() -> None:
            async with database.connect() as db:
                seen.append(await read_revision(db))

        await look()
        account = await add_account(database, "work")
        await look()
        await save(database, account.id, EVERYTHING, expected=None)
        await look()
        async with database.begin() as db:
            await set_account_enabled(db, account.id, enabled=False, now=NOW)
        await look()
        async with database.begin() as db:
            await set_profile_arn(db, account.id, ARN, now=NOW)
        await look()
        # A refresh that came too late changed nothing.
        await save(database, account.id, EVERYTHING, expected=0)
        await look()
    assert seen == [0, 1, 2, 3, 4, 4]


async def test_changing_an_account_that_is_gone_is_an_error(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        with pytest.raises(NotFound):
            await save(database, "0123456789abcdef", EVERYTHING, expected=1)
        with pytest.raises(NotFound):
            async with database.begin() as db:
                await set_account_enabled(db, "0123456789abcdef", enabled=True, now=NOW)


async def change(database: Database, account_id: str, **changes: Any) -> Account:
    async with database.begin() as db:
        return await update_account(db, BOX, account_id, now=NOW + timedelta(hours=1), **changes)


@pytest.mark.parametrize(
    ("member", "value", "stored"),
    [
        ("name", "home", "home"),
        ("enabled", False, False),
        ("auth_region", " EU-west-1", "eu-west-1"),
        ("api_region", "eu-central-1", "eu-central-1"),
        ("api_region", None, None),
        ("proxy", "socks5://me:secret@proxy:1080", "socks5://me:secret@proxy:1080"),
        ("proxy", None, None),
        ("max_concurrent_requests", 3, 3),
        ("max_concurrent_requests", None, None),
    ],
)
async def test_one_member_of_an_account_changes_and_the_others_stay(
    tmp_path: Path, member: str, value: object, stored: object
) -> None:
    async with open_sample(tmp_path) as database:
        async with database.begin() as db:
            before = await create_account(
                db,
                BOX,
                name="work",
                api_region="us-west-2",
                proxy="http://proxy:1",
                max_concurrent_requests=9,
                now=NOW,
            )
        after = await change(database, before.id, **{member: value})
        if value:
            assert "secret" not in str((await stored_text(database)).splitlines())
    expected: dict[str, Any] = {member: stored, "updated_at": NOW + timedelta(hours=1)}
    assert after == replace(before, **expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "two words"},
        {"auth_region": "moon"},
        {"api_region": "moon"},
        {"max_concurrent_requests": 0},
        {"max_concurrent_requests": 2**40},
        {"proxy": "http://nul\0"},
    ],
    ids=repr,
)
async def test_a_change_that_is_not_allowed_changes_nothing(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        with pytest.raises(InvalidRequest):
            await change(database, account.id, **({"enabled": False} | changes))
        async with database.connect() as db:
            assert await get_account(db, BOX, "work") == account


async def test_a_renamed_account_keeps_its_keys(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        async with database.begin() as db:
            key, _ = await create_api_key(db, name="laptop", allowed=["work"], now=NOW)
        await change(database, account.id, name="home")
        async with database.connect() as db:
            assert (await get_api_key(db, key.id)).account_ids == (account.id,)
            assert (await names_by_id(db))[account.id] == "home"


async def test_an_account_cannot_take_the_name_of_another(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work")
        await add_account(database, "home")
        with pytest.raises(Conflict, match='already is an account "home"'):
            await change(database, account.id, name="home")
        assert (await change(database, account.id, name="work")).name == "work"
        with pytest.raises(NotFound):
            await change(database, "0123456789abcdef", name="x")


async def test_an_account_that_keys_use_is_deleted_only_on_demand(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        a, b = [await add_account(database, name) for name in "ab"]
        async with database.begin() as db:
            both, _ = await create_api_key(db, name="both", allowed=["b", "a"], now=NOW)
            only, _ = await create_api_key(db, name="only", allowed=["b"], now=NOW)
            with pytest.raises(AccountInUse, match='"both", "only"') as caught:
                await delete_account(db, b.id, now=NOW)
            assert caught.value.keys == ((both.id, "both"), (only.id, "only"))
            await delete_account(db, b.id, force=True, now=NOW)
        async with database.connect() as db:
            both, only = [await get_api_key(db, key.id) for key in (both, only)]
            assert (both.account_ids, both.default_account_id) == ((a.id,), a.id)
            assert (only.account_ids, only.default_account_id) == ((), None)
            assert await find_account(db, BOX, b.id) is None
            assert (await names_by_id(db))[b.id] == "b"


async def test_an_account_that_nobody_uses_is_deleted(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database:
        account = await add_account(database, "work", oidc_credentials())
        async with database.begin() as db:
            before = await read_revision(db)
            await delete_account(db, account.id, now=NOW)
            assert await read_revision(db) == before + 1
            with pytest.raises(NotFound):
                await delete_account(db, account.id, now=NOW)
            assert await list_accounts(db, BOX) == ()


async def test_a_name_that_no_store_can_hold_is_nobodys(tmp_path: Path) -> None:
    async with open_sample(tmp_path) as database, database.connect() as db:
        assert await find_account(db, BOX, "nul\0") is None
        assert await find_account(db, BOX, "\ud800") is None
