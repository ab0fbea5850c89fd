import base64
import json
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import InvalidRequest
from gateway.store.accounts import Credentials, ImportSource
from gateway.upstream.signin.imported import Imported
from gateway.upstream.signin.kiro_cli import read_cli_database
from gateway.upstream.signin.local_import import import_from, known_places, read_source
from tests.sample_store import ARN, NOW

ORGANISATION = "https://example-org.awsapps.com/start"
IN_AN_HOUR = "2026-11-22T09:30:00.482915377Z"
AN_HOUR_AGO = "2026-11-22T07:30:00Z"

SOCIAL = {
    "access_token": "social-access",
    "refresh_token": "social-refresh",
    "expires_at": IN_AN_HOUR,
    "profile_arn": ARN,
    "provider": "google",
}
OIDC = {
    "access_token": "oidc-access",
    "refresh_token": "oidc-refresh",
    "expires_at": IN_AN_HOUR,
    "region": "eu-west-1",
    "start_url": ORGANISATION + "/#/?tab=accounts",
    "oauth_flow": "DeviceCode",
    "scopes": ["codewhisperer:completions"],
}
REGISTRATION = {
    "client_id": "client",
    "client_secret": "client-secret",
    "client_secret_expires_at": "2027-02-20T08:00:00Z",
    "region": "eu-central-1",
    "oauth_flow": "DeviceCode",
    "scopes": None,
}
CLAIMS = base64.urlsafe_b64encode(b'{"aud":"api://1","scp":"a b"}').decode().rstrip("=")
EXTERNAL = {
    "access_token": f"e30.{CLAIMS}.c2ln",
    "refresh_token": "external-refresh",
    "expires_at": IN_AN_HOUR,
    "client_id": "entra-client",
    "token_endpoint": "https://login.example.com/tenant/token",
}


def write_database(
    path: Path, rows: Mapping[str, object], *, profile: str | bytes | None = None
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT)")
        connection.execute("CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB)")
        for key, value in rows.items():
            text = value if isinstance(value, str | bytes) else json.dumps(value)
            connection.execute("INSERT INTO auth_kv VALUES (?, ?)", (key, text))
        if profile is not None:
            connection.execute(
                "INSERT INTO state VALUES ('api.codewhisperer.profile', ?)", (profile,)
            )
        connection.commit()
    return path


def write_json(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def take(path: Path | None, home: Path = Path("/nowhere")) -> Imported:
    return import_from(path, environ={}, home=home, platform="linux", now=NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.sqlite3"


@pytest.mark.parametrize("program", ["kirocli", "codewhisperer"])
@pytest.mark.parametrize("spelling", ["odic", "oidc"])
@pytest.mark.parametrize("registered", ["odic", "oidc"])
def test_an_organisations_sign_in_comes_with_its_client_and_region(
    path: Path, program: str, spelling: str, registered: str
) -> None:
    rows = {
        f"{program}:{spelling}:token": OIDC,
        f"{program}:{registered}:device-registration": REGISTRATION,
    }
    write_database(path, rows, profile=json.dumps({"arn": ARN, "profile_name": "p"}))
    assert take(path) == Imported(
        credentials=Credentials(
            access_token="oidc-access",
            refresh_token="oidc-refresh",
            expires_at=datetime(2026, 11, 22, 9, 30, 0, 482_915, tzinfo=UTC),
            client_id="client",
            client_secret="client-secret",
            client_expires_at=datetime(2027, 2, 20, 8, tzinfo=UTC),
            start_url=ORGANISATION,
            import_source=ImportSource("kiro-cli", str(path)),
        ),
        auth_method="idc",
        auth_region="eu-west-1",
        profile_arn=ARN,
        source=ImportSource("kiro-cli", str(path)),
    )


@pytest.mark.parametrize("start_url", [None, "", "https://view.awsapps.com/start/"])
def test_without_a_start_url_of_its_own_it_is_a_builder_id(
    path: Path, start_url: str | None
) -> None:
    rows = {
        "kirocli:odic:token": {**OIDC, "start_url": start_url, "region": None},
        "kirocli:odic:device-registration": {**REGISTRATION, "region": None},
    }
    imported = take(write_database(path, rows))
    assert (imported.auth_method, imported.auth_region) == ("builder_id", "us-east-1")


def test_the_registration_tells_the_region_where_the_token_does_not(path: Path) -> None:
    rows = {
        "kirocli:odic:token": {**OIDC, "region": None},
        "kirocli:odic:device-registration": REGISTRATION,
    }
    assert take(write_database(path, rows)).auth_region == "eu-central-1"


def test_a_social_sign_in_brings_its_own_profile(path: Path) -> None:
    rows = {"kirocli:social:token": SOCIAL}
    imported = take(write_database(path, rows, profile='{"arn":"arn:another"}'))
    assert (imported.auth_method, imported.auth_region) == ("social", "us-east-1")
    assert imported.profile_arn == ARN
    assert imported.credentials.refresh_token == "social-refresh"
    assert imported.credentials.client_id is None


def test_an_external_sign_in_brings_its_endpoint_and_the_scope_of_its_token(path: Path) -> None:
    imported = take(write_database(path, {"kirocli:external-idp:token": EXTERNAL}))
    assert imported.auth_method == "external_idp"
    assert imported.credentials.token_endpoint == "https://login.example.com/tenant/token"
    assert imported.credentials.refresh_scope == "api://1/a api://1/b offline_access"
    assert imported.credentials.client_id == "entra-client"


def test_aws_endpoints_are_asked_for_no_scope(path: Path) -> None:
    row = {**EXTERNAL, "token_endpoint": "https://oidc.us-east-1.amazonaws.com/token"}
    imported = take(write_database(path, {"kirocli:external-idp:token": row}))
    assert imported.credentials.refresh_scope is None


@pytest.mark.parametrize("as_blob", [False, True], ids=["text", "blob"])
def test_values_may_be_text_or_blobs(path: Path, *, as_blob: bool) -> None:
    token, profile = json.dumps({**SOCIAL, "profile_arn": None}), json.dumps({"arn": ARN})
    if as_blob:
        write_database(path, {"kirocli:social:token": token.encode()}, profile=profile.encode())
    else:
        write_database(path, {"kirocli:social:token": token}, profile=profile)
    assert take(path).profile_arn == ARN


@pytest.mark.parametrize(
    ("social", "oidc", "taken"),
    [
        (AN_HOUR_AGO, IN_AN_HOUR, "oidc-access"),
        (IN_AN_HOUR, AN_HOUR_AGO, "social-access"),
        ("2026-11-22T09:30:00Z", "2026-11-22T11:30:00+01:00", "oidc-access"),
        (AN_HOUR_AGO, "2026-11-22T07:00:00Z", "social-access"),
        ("never", IN_AN_HOUR, "oidc-access"),
    ],
)
def test_of_several_the_one_that_lasts_longest_is_taken(
    path: Path, social: str, oidc: str, taken: str
) -> None:
    rows = {
        "kirocli:social:token": {**SOCIAL, "expires_at": social},
        "codewhisperer:odic:token": {**OIDC, "expires_at": oidc},
        "codewhisperer:odic:device-registration": REGISTRATION,
    }
    assert take(write_database(path, rows)).credentials.access_token == taken


def test_an_expired_sign_in_that_cannot_be_renewed_is_of_no_use(path: Path) -> None:
    row = {**SOCIAL, "expires_at": AN_HOUR_AGO, "refresh_token": None}
    write_database(path, {"kirocli:social:token": row})
    with pytest.raises(InvalidRequest, match="expired and cannot be renewed"):
        take(path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({}, "nobody is signed in"),
        ({"other:key": "{}"}, "nobody is signed in"),
        ({"kirocli:odic:token": OIDC}, "client registration .* missing"),
        (
            {"kirocli:odic:token": OIDC, "kirocli:odic:device-registration": {"client_id": "c"}},
            "client registration .* missing",
        ),
        ({"kirocli:social:token": "{"}, "not the expected JSON"),
        ({"kirocli:social:token": {"access_token": 5}}, "not the expected JSON"),
        ({"kirocli:social:token": {}}, "holds no token"),
        ({"kirocli:external-idp:token": {**EXTERNAL, "client_id": None}}, "client id .* missing"),
        (
            {
                "kirocli:odic:token": {**OIDC, "region": "evil.example/"},
                "kirocli:odic:device-registration": REGISTRATION,
            },
            "region looks like",
        ),
    ],
)
def test_why_nothing_could_be_taken_is_told_without_secrets(
    path: Path, rows: dict[str, object], message: str
) -> None:
    write_database(path, rows)
    with pytest.raises(InvalidRequest, match=message) as caught:
        take(path)
    assert "-refresh" not in str(caught.value)


def test_one_broken_row_does_not_hide_another(path: Path) -> None:
    rows = {"kirocli:odic:token": OIDC, "kirocli:social:token": SOCIAL}
    write_database(path, rows)
    assert take(path).auth_method == "social"
    assert len(read_source(path).problems) == 1


def test_reading_changes_nothing_in_the_other_programs_database(path: Path) -> None:
    write_database(path, {"kirocli:social:token": SOCIAL})
    before = path.read_bytes()
    take(path)
    assert path.read_bytes() == before


def test_what_the_other_program_has_not_yet_checkpointed_is_seen(path: Path) -> None:
    write_database(path, {"kirocli:social:token": {**SOCIAL, "access_token": "old"}})
    with closing(sqlite3.connect(path)) as running:
        running.execute("PRAGMA journal_mode=WAL")
        running.execute("UPDATE auth_kv SET value = ?", (json.dumps(SOCIAL),))
        running.commit()
        assert take(path).credentials.access_token == "social-access"


def test_a_locked_database_is_told_apart_from_a_wrong_one(path: Path) -> None:
    write_database(path, {"kirocli:social:token": SOCIAL})
    with closing(sqlite3.connect(path)) as running:
        running.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InvalidRequest, match=r"locked.*Close the program"):
            read_cli_database(path, lock_timeout=0)


@pytest.mark.parametrize(
    "content",
    [b"SQLite format 3\0 but broken", b"", b"{}", b"[]", b'{"accessToken": 5}', b"\xff\xfe"],
)
def test_files_of_another_kind_are_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"data\.sqlite3"):
        take(path)


def test_another_programs_sqlite_file_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE t (a)")
    with pytest.raises(InvalidRequest, match="no database of kiro-cli"):
        take(path)


def test_links_and_folders_are_not_followed(tmp_path: Path, path: Path) -> None:
    write_database(path, {"kirocli:social:token": SOCIAL})
    link = tmp_path / "link"
    link.symlink_to(path)
    for place in (link, tmp_path):
        with pytest.raises(InvalidRequest, match="not a regular file"):
            take(place)


IDE_TOKEN = {
    "accessToken": "ide-access",
    "refreshToken": "ide-refresh",
    "expiresAt": "2026-11-22T09:30:00.482Z",
    "authMethod": "IdC",
    "provider": "Enterprise",
    "region": "eu-west-1",
    "clientIdHash": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
}
IDE_CLIENT = {"clientId": "client", "clientSecret": "client-secret", "expiresAt": AN_HOUR_AGO}


def ide_cache(folder: Path, token: object, client: object = None) -> Path:
    path = write_json(folder / ".aws" / "sso" / "cache" / "kiro-auth-token.json", token)
    if client is not None:
        write_json(path.with_name("0a1b2c3d4e5f60718293a4b5c6d7e8f901234567.json"), client)
    return path


def test_the_ides_sign_in_for_an_organisation_comes_with_its_client(tmp_path: Path) -> None:
    path = ide_cache(tmp_path, IDE_TOKEN, IDE_CLIENT)
    imported = take(path)
    assert (imported.auth_method, imported.auth_region) == ("idc", "eu-west-1")
    assert imported.source == ImportSource("ide", str(path))
    assert imported.credentials == Credentials(
        access_token="ide-access",
        refresh_token="ide-refresh",
        expires_at=datetime(2026, 11, 22, 9, 30, 0, 482_000, tzinfo=UTC),
        client_id="client",
        client_secret="client-secret",
        client_expires_at=NOW - timedelta(hours=1),
        import_source=ImportSource("ide", str(path)),
    )


@pytest.mark.parametrize(
    ("changes", "method"),
    [
        ({"authMethod": "social", "provider": "Google"}, "social"),
        ({"authMethod": None, "provider": "Github", "clientIdHash": None}, "social"),
        ({"provider": "BuilderId"}, "builder_id"),
        ({"authMethod": "builder-id", "provider": None}, "builder_id"),
        ({"authMethod": None, "provider": None}, "idc"),
        ({"provider": None, "startUrl": "https://view.awsapps.com/start"}, "builder_id"),
        ({"provider": None, "startUrl": ORGANISATION}, "idc"),
    ],
)
def test_how_the_ide_signed_in_is_recognised(
    tmp_path: Path, changes: dict[str, object], method: str
) -> None:
    path = ide_cache(tmp_path, {**IDE_TOKEN, **changes}, IDE_CLIENT)
    assert take(path).auth_method == method


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"refreshToken": "aorFAKE...end"}, "only a shortened refresh token"),
        ({"refreshToken": None, "accessToken": None}, "nobody is signed in"),
        ({"clientIdHash": "../../../etc/passwd"}, "does not name its client registration"),
        ({"clientIdHash": "0a1b"}, "does not name its client registration"),
        ({"clientIdHash": "f" * 40}, "There is no file"),
        ({"authMethod": "carrier-pigeon"}, "not known here"),
        ({"authMethod": None, "provider": None, "clientIdHash": None}, "is not the file"),
        ({"region": "us-east-1.evil.example"}, "region looks like"),
    ],
)
def test_what_cannot_be_taken_from_the_ide_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = ide_cache(tmp_path, {**IDE_TOKEN, **changes}, IDE_CLIENT)
    with pytest.raises(InvalidRequest, match=message):
        take(path)


@pytest.mark.parametrize("client", [{}, {"clientId": "c"}, []])
def test_a_client_registration_without_a_client_is_refused(tmp_path: Path, client: object) -> None:
    path = ide_cache(tmp_path, IDE_TOKEN, client)
    with pytest.raises(InvalidRequest, match="0a1b2c3d4e5f6071"):
        take(path)


def test_without_a_path_the_best_of_all_known_places_is_taken(tmp_path: Path) -> None:
    share = tmp_path / ".local" / "share"
    later = {**SOCIAL, "access_token": "latest", "expires_at": "2026-11-22T10:30:00Z"}
    write_database(share / "kiro-cli" / "data.sqlite3", {"kirocli:social:token": SOCIAL})
    write_database(share / "amazon-q" / "data.sqlite3", {"kirocli:social:token": later})
    ide_cache(tmp_path, IDE_TOKEN, IDE_CLIENT)
    assert take(None, home=tmp_path).credentials.access_token == "latest"


def test_when_nothing_is_found_the_places_are_listed(tmp_path: Path) -> None:
    write_database(tmp_path / ".local/share/kiro-cli/data.sqlite3", {"kirocli:social:token": "{"})
    with pytest.raises(InvalidRequest) as caught:
        take(None, home=tmp_path)
    message = str(caught.value)
    for place in known_places({}, tmp_path, "linux"):
        assert str(place) in message
    assert "kirocli:social:token: it is not the expected JSON" in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="There is no file"):
        take(tmp_path / "missing.sqlite3")


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        (
            "linux",
            {},
            [".local/share/kiro-cli/data.sqlite3", ".local/share/amazon-q/data.sqlite3"],
        ),
        (
            "linux",
            {"XDG_DATA_HOME": "/data"},
            [
                "/data/kiro-cli/data.sqlite3",
                ".local/share/kiro-cli/data.sqlite3",
                "/data/amazon-q/data.sqlite3",
                ".local/share/amazon-q/data.sqlite3",
            ],
        ),
        (
            "darwin",
            {"XDG_DATA_HOME": "/data"},
            [
                "Library/Application Support/kiro-cli/data.sqlite3",
                "Library/Application Support/amazon-q/data.sqlite3",
            ],
        ),
        (
            "win32",
            {"APPDATA": "/roaming"},
            [
                "/roaming/kiro-cli/data.sqlite3",
                "AppData/Local/kiro-cli/data.sqlite3",
                "/roaming/amazon-q/data.sqlite3",
                "AppData/Local/amazon-q/data.sqlite3",
            ],
        ),
    ],
    ids=["linux", "linux with XDG", "macOS", "Windows"],
)
def test_the_known_places_follow_the_platform(
    platform: str, environ: dict[str, str], expected: list[str]
) -> None:
    home = Path("/home/me")
    places = [home / place for place in expected]
    ide = home / ".aws" / "sso" / "cache" / "kiro-auth-token.json"
    assert known_places(environ, home, platform) == [*places, ide]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_another_users_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_database(path, {"kirocli:social:token": SOCIAL})
    stranger = path.stat().st_uid + 1
    monkeypatch.setattr("os.geteuid", lambda: stranger)
    with pytest.raises(InvalidRequest, match="belongs to another user"):
        take(path)
