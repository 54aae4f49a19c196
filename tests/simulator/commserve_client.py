"""A client of the simulated CommServe, without a network in between."""

import base64
import json

from exporter.simulator.messages import Request

PASSWORD = "example"
API = "/commandcenter/api/"


class Client:
    """Logs in once and asks with that token, unless told otherwise."""

    def __init__(self, commserve, base=API):
        self.commserve = commserve
        self.base = base
        self.headers = {"Accept": "application/json"}
        self.headers["Authtoken"] = self.login().body["token"]

    def login(self, username="svc-ebbtide", password=PASSWORD):
        body = {"username": username, "password": base64.b64encode(password.encode()).decode(), "timeout": 30}
        return self.post("Login", body)

    def post(self, path, body, **headers):
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.commserve(Request.of("POST", self.base + path, self.headers | headers, sent))

    def ask(self, path, **headers):
        return self.commserve(Request.of("GET", self.base + path, self.headers | headers))

    def get(self, path, **headers):
        answer = self.ask(path, **headers)
        assert answer.status == 200, answer.body
        return json.loads(answer.payload())

    def jobs(self, offset=0, limit=200, category=0, **filters):
        paging = {"sortDirection": 1, "sortField": "jobId", "offset": offset, "limit": limit}
        return self.post("Jobs", {"scope": 1, "category": category, "pagingConfig": paging, "jobFilter": filters}).body
