"""Tokens of the simulated CommServe, how one gets them and how they end."""

import pytest

from .commserve_client import PASSWORD, Client


def test_a_login_gives_a_token_and_no_errors(client):
    answer = client.login().body
    assert answer["token"].startswith("QSDK ")
    assert (answer["errList"], answer["loginAttempts"], answer["isAccountLocked"]) == ([], 0, False)
    assert client.get("WhoAmI")["userName"] == "svc-ebbtide"


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_told_inside_a_200(client, password):
    answer = client.login(password=password)
    assert answer.status == 200
    assert "token" not in answer.body
    assert answer.body["errList"] == [{"errorCode": 1127, "errLogMessage": "Invalid Username/Password."}]


@pytest.mark.parametrize("password", [PASSWORD, "pässword", None])
def test_a_plain_password_is_not_taken(client, password):
    answer = client.post("Login", {"username": "svc-ebbtide", "password": password})
    assert answer.status == 200
    assert answer.body["errList"][0]["errorCode"] == 1127


def test_five_wrong_passwords_lock_the_account_for_a_while(client, clock):
    attempts = [client.login(password="wrong").body for _ in range(5)]
    assert [answer["loginAttempts"] for answer in attempts[:4]] == [1, 2, 3, 4]
    assert [answer["isAccountLocked"] for answer in attempts] == [False] * 4 + [True]
    clock.advance(100)
    assert client.login().body["remainingLockTime"] == 200
    clock.advance(199.7)
    last = client.login().body
    assert (last["remainingLockTime"], last["isAccountLocked"]) == (1, True)
    clock.advance(1)
    assert client.login().body["token"]


def test_a_token_ends_by_idling_and_not_by_use(make, clock):
    client = Client(make(token_idle_seconds=1800))
    for _ in range(5):
        clock.advance(1700)
        assert client.ask("CommServ").status == 200
    clock.advance(1801)
    answer = client.ask("CommServ")
    assert answer.status == 401
    assert answer.body["errorCode"]


def test_without_a_token_nothing_is_told(client):
    assert client.ask("CommServ", Authtoken="").status == 401
    assert client.ask("CommServ", Authtoken="QSDK guessed").status == 401


def test_logging_out_ends_the_token(client):
    client.post("Logout", {})
    assert client.ask("CommServ").status == 401


def test_a_login_token_is_renewed_once(client):
    old = client.headers["Authtoken"]
    client.headers["Authtoken"] = client.post("RenewLoginToken", {"sessionId": old}).body["token"]
    assert client.ask("CommServ").status == 200
    assert client.post("RenewLoginToken", {"sessionId": old}).body["error"]["errorCode"] == 5


@pytest.mark.parametrize("header", ["Authorization", "Authtoken"])
def test_an_access_token_is_taken_in_either_header(make, header):
    client = Client(make(access_token="example-access"))
    client.headers.pop("Authtoken")
    assert client.ask("CommServ", **{header: "Bearer example-access"}).status == 200
    assert client.ask("CommServ", **{header: "Bearer another"}).status == 401
    assert client.ask("CommServ", **{header: "example-access"}).status == 401


def test_an_access_token_is_renewed_and_an_old_pair_ends_them_all(make, clock):
    client = Client(make(access_token="example-access", refresh_token="example-refresh", access_seconds=60))
    client.headers.pop("Authtoken")
    clock.advance(61)
    assert client.ask("CommServ", Authorization="Bearer example-access").status == 401
    first = {"accessToken": "example-access", "refreshToken": "example-refresh"}
    new = client.post("V4/AccessToken/Renew", first).body
    assert new["tokenExpiryTimestamp"] == clock.now() + 60
    assert client.ask("CommServ", Authorization=f"Bearer {new['accessToken']}").status == 200
    assert client.post("V4/AccessToken/Renew", first).body["errorCode"] == 5
    assert client.ask("CommServ", Authorization=f"Bearer {new['accessToken']}").status == 401
    second = {"accessToken": new["accessToken"], "refreshToken": new["refreshToken"]}
    assert client.post("V4/AccessToken/Renew", second).body["errorCode"] == 5
