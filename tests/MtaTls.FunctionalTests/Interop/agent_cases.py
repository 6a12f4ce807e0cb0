"""The agent's part of reverse tunnels: HTTP in channels, as docs/reverse-tunnels.md tells it, and nothing else."""
import re

from session import *  # noqa: F403 (the vocabulary of every case)

PATH = b"/.well-known/mta-tls/agents"


def send_json(channel, method, path, body):
    head = method + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + str(len(body)).encode()
    channel.send(head + b"\r\n\r\n" + body)


def serve(session, count):
    """Answers requests in the channels that the gateway opens."""
    served = 0
    while served < count:
        ready = lambda: [c for c in session.opened_by_peer if c.is_open and message(c.data)]
        session.pump(ready)
        for channel in ready():
            start, _, body, used = message(channel.data)
            del channel.data[:used]
            answer = b"python " + start.split(b" ")[0] + b" " + body
            channel.send(b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(answer)).encode() + b"\r\n\r\n" + answer)
            served += 1


def agent(server):
    session = server.session()
    # The gateway asks for nothing but what was granted; its pings are refused, as every name that this end does not know.
    session.accept = lambda request: request[4] == (b"plant7.internal", 80)
    registration = session.open()
    send_json(registration, b"POST", PATH, b'{ "agent": "python", "instance": "1", "names": [ "plant7.internal", "plant9.internal" ] }')
    session.pump(lambda: b"event: registered" in registration.data and registration.data.endswith(b"\n\r\n"))
    text = bytes(registration.data)
    check(b"text/event-stream" in text and b'"granted":["plant7.internal"]' in text and b"plant9.internal" in text, text)
    serve(session, 20)

    control = session.open()
    send_json(control, b"PATCH", PATH + b"/" + re.search(rb'"id":"([0-9a-f]+)"', text)[1], b'{ "draining": true }')
    session.pump(lambda: message(control.data) is not None)
    check(message(control.data)[0].startswith(b"HTTP/1.1 204"), bytes(control.data))
    # The end of the answer ends the registration.
    registration.close()
    session.finish()
