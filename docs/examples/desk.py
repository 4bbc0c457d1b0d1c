"""An agent over REST alone: `python desk.py http://127.0.0.1:8080 lin@example.com "Thanks, we are looking into it."`
signs in, takes the conversation that waits longest, answers, resolves. The password comes from TRUNKLINE_PASSWORD.
Every POST bears a key: sent again after a failure, it has no second effect. All routes: /api/docs on your node.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


class Desk:
    """A session at a node."""

    def __init__(self, node):
        self.node = node
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        for wait_s in (1, 2, 4, 8, None):
            request = urllib.request.Request(f"{self.node}/api/v1{path}", data, headers, method=method)
            try:
                with self.opener.open(request, timeout=20) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as refused:
                problem = json.loads(refused.read())
                if wait_s is None or refused.code not in {429, 503}:
                    raise SystemExit(f"{method} {path}: {problem['code']}: {problem['detail']}") from None
            except OSError:
                if wait_s is None:
                    raise
            time.sleep(wait_s)


def main(node, email, answer):
    desk = Desk(node)
    desk.call("POST", "/session", {"email": email, "password": os.environ["TRUNKLINE_PASSWORD"]})
    queue = desk.call("GET", "/conversations?view=queue&limit=1")["items"]
    if not queue:
        raise SystemExit("Nobody waits.")
    conv = queue[0]["conv"]
    desk.call("POST", f"/conversations/{conv}/acts", {"act": {"do": "take"}})
    for _seq, _prev, event in desk.call("GET", f"/conversations/{conv}/events")["events"]:
        if event["type"] == "message.added":
            print(f"{event['by'].get('name') or event['by']['kind']}: {event.get('text', '')}")
    desk.call("POST", f"/conversations/{conv}/messages", {"text": answer})
    desk.call("POST", f"/conversations/{conv}/acts", {"act": {"do": "resolve"}})
    desk.call("DELETE", "/session")
    print(f"answered and resolved {conv}")


if __name__ == "__main__":
    main(*sys.argv[1:4])
