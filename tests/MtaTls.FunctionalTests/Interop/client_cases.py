"""The client's part: what it asks of a server, one function a case."""
import hashlib
import struct

from session import *  # noqa: F403 (the vocabulary of every case)
from session import Session
from tls import DECODE_ERROR, TLS12, Context, TlsFailure, Truncated, connect


def pattern(length):
    return (bytes(range(251)) * (length // 251 + 1))[:length]


class Server:
    """Where the server is, and how to make a session with it."""

    def __init__(self, port, version, root):
        self.port, self.version, self.root = port, version, root

    def context(self, **options):
        return Context(self.version, root=self.root, **options)

    def tls(self, session=None, **options):
        return connect(self.context(**options), self.port, session=session)

    def session(self):
        tls = self.tls()
        check(tls.negotiated, "the extension was not answered")
        return Session(tls)


def ask(session, path=b"/ping"):
    """One request in a channel of its own, which is closed then."""
    channel = session.open()
    check(channel.refused is None, f"refused: {channel.refused}")
    get(channel, path)
    body = response(channel)
    if channel.is_open:
        channel.close()
    return body


def alive(session):
    check(ask(session) == b"pong", "no answer")
    session.expect_alive()


def ping(channel):
    get(channel, b"/ping")
    check(response(channel) == b"pong", "no answer")


# Section 2.1

def negotiation(server):
    kind, context = (2, 0x100) if server.version == TLS12 else (8, 0x400)
    tls = server.tls()
    check(tls.extension_in == {kind: b""}, f"extension in {tls.extension_in}")
    check(tls.parsed == [(context, b"")], f"parsed {tls.parsed}")
    check((tls.version, tls.alpn) == (server.version, b"http/1.1"), f"{tls.version:x} {tls.alpn}")
    session = Session(tls)
    alive(session)
    session.finish()

    tls = server.tls(body=None)
    check(tls.extension_in == {} and not tls.parsed, "answered, but not offered")
    tls.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    text = b""
    while not message(text):
        text += tls.read()
    check(text.startswith(b"HTTP/1.1 200") and message(text)[2] == b"pong", text)
    tls.close()


def application_protocols(server):
    tls = server.tls(alpn=(b"h2",))
    check(tls.negotiated and tls.alpn == b"h2", f"{tls.alpn}")
    session = Session(tls)
    channel = session.open()
    channel.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
    session.pump(lambda: len(channel.data) >= 9)
    check(channel.data[3] == 4, "not a SETTINGS frame")
    session.finish()

    tls = server.tls(alpn=())
    check(tls.negotiated and tls.alpn == b"", f"{tls.alpn}")
    session = Session(tls)
    alive(session)
    session.finish()


def body_not_empty(server):
    """A body that is not empty is decode_error."""
    context = server.context(body=b"x")
    try:
        connect(context, server.port)
    except TlsFailure:
        check(context.last.alerts_read == [DECODE_ERROR], f"alerts {context.last.alerts_read}")
    else:
        raise Violation("the handshake was completed")


# Section 2.1.1

def interleaved(server):
    session = server.session()
    requests = [session.begin_open(1000, 100, send=False) for _ in range(20)]
    session.send(b"".join(c.request for c in requests))
    session.pump(lambda: all(c.id is not None for c in requests))
    order = []
    for c in requests:
        c.received = lambda data, c=c, received=c.received: (order.append(c.half), received(data))
        get(c, b"/bytes/20000")
    for c in requests:
        check(response(c) == pattern(20000), "wrong data")
    first_end = min(len(order) - 1 - order[::-1].index(c.half) for c in requests)
    check(len(set(order[:first_end])) == len(requests), "a channel waited for another")
    check(len({c.id for c in requests}) == len(requests), "ids")
    for c in requests:
        c.close()
    session.finish()


def octet_by_octet(server):
    """Packets do not know records: cut anywhere, or many in one."""
    session = server.session()
    channel = session.begin_open(send=False)
    for octet in channel.request:
        session.send(bytes([octet]))
    session.pump(lambda: channel.id is not None)
    request = b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for octet in data_packet(channel.id, request):
        session.send(bytes([octet]))
    channel.credit -= len(request)
    check(response(channel) == b"pong", "no answer")
    session.send(b"".join(data_packet(channel.id, bytes([octet])) for octet in request))
    channel.credit -= len(request)
    check(response(channel) == b"pong", "no answer")
    if server.version != TLS12:
        session.tls.update_keys()
        ping(channel)
    session.finish()


def addresses(server):
    session = server.session()
    for host in [b"bad host", b"host/path", b"user@host", b"host:80", b"[::1]", b"a" * 254, b"h\xc3\xb6st", b"\0", b"host\r\n", b"*", b"$(id)"]:
        for where in "destination", "source":
            channel = session.open(**{where: (host, 80)})
            check(channel.refused is not None, f"{where} {host!r} was taken")
            check(len(channel.refused) <= 200 and host.decode("latin-1") not in channel.refused, f"error text {channel.refused!r}")
    for host in [b"my_service.internal", b"127.0.0.1", b"::1", b"a" * 63 + b".example", b"2001:db8::1", b"a" * 253, b"UPPER.example."]:
        check(session.open(destination=(host, 80), source=(host, 0)).refused is None, f"{host!r} was refused")
    alive(session)
    session.finish()


def ids(server):
    """A half is unique among pending requests only; the pair among channels that are open."""
    session = server.session()
    channels = []
    for _ in range(5):
        channels.append(session.open(half=0x1234))
    for half in 0x0000, 0x7FFF, 0x8000, 0xFFFF:
        channels.append(session.open(half=half))
    check(len({c.id for c in channels}) == 9, "ids")
    for c in channels:
        ping(c)
    session.finish()


def server_opens(server):
    """Either end opens channels; the opens cross."""
    session = server.session()
    control, other = session.open(), session.open()
    session.accept = lambda request: None
    get(control, b"/open")
    session.pump(lambda: session.peer_pending)
    (half, (_, window, max_packet, source, destination)), = session.peer_pending.items()
    check(destination == (b"client.example", 7), f"destination {destination}")
    mine = session.open()          # while the server's waits
    check(mine.refused is None, f"refused: {mine.refused}")
    ping(mine)
    same = session.open(half=half)  # the half of its own pending open
    check(same.refused is not None, "a request with the half of the server's pending open was taken")
    channel = session.accept_request(half, window, max_packet)
    check(channel.id >> 16 == half and not channel.id & 0x8000, "id")
    session.pump(lambda: bytes(channel.data) == b"hello from the server")
    channel.send(b"hello from the client")
    channel.close()
    check(response(control) == b"hello from the client", "wrong answer")
    ping(other)

    session.accept = lambda request: False
    get(control, b"/open")
    check(response(control) == b"refused", "a refused open did not fail")
    alive(session)
    session.finish()


# Section 2.2

def download(server):
    session = server.session()
    channel = session.open(1000, 100)
    get(channel, b"/bytes/200000")
    check(response(channel) == pattern(200000), "wrong data")
    check(max(channel.packets) == 100, "packets")
    big = session.open(2**32 - 1, 2**32 - 2, auto_ack=None)  # the largest window there is
    get(big, b"/bytes/3000000")
    check(response(big) == pattern(3000000), "wrong data")
    session.finish()


def upload(server):
    session = server.session()
    channel = session.open()
    body = pattern(1_000_000)
    channel.send(post_head(b"/hash", len(body)) + body)
    check(response(channel) == f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode(), "wrong hash")
    check(channel.increments, "no Acknowledgment")
    session.finish()


def window_is_a_limit(server):
    """An application that does not read stops its own channel at the window, and no other."""
    session = server.session()
    channel, other = session.open(), session.open()
    granted = channel.credit
    body = pattern(2_000_000)
    data = post_head(b"/hold", len(body)) + body
    total = len(data)
    while True:
        size = min(len(data), channel.credit, channel.peer_max)
        if size:
            channel.credit -= size
            session.send(data_packet(channel.id, data[:size]))
            data = data[size:]
            continue
        before = len(channel.increments)
        ping(other)  # what was granted until here has come
        if len(channel.increments) == before and not channel.credit:
            break
    check(total - len(data) <= granted + sum(channel.increments) <= 300_000, f"{total - len(data)} octets were taken")
    get(other, b"/release")
    check(response(other) == b"released", "no answer")
    channel.send(data)
    check(response(channel) == f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode(), "wrong hash")
    session.finish()


def window_zero(server):
    session = server.session()
    other = session.open()
    channel = session.open(0, 100, auto_ack=None)
    check(channel.refused is None, f"refused: {channel.refused}")
    get(channel, b"/bytes/5000")
    ping(other)
    check(not channel.packets, "data without a window")
    channel.grant(50)
    session.pump(lambda: len(channel.data) == 50)
    ping(other)
    check(len(channel.data) == 50, "data beyond the window")
    session.send(acknowledgment(channel.id, 0))  # ignored
    channel.auto_ack = 1
    channel.grant(100)
    check(response(channel) == pattern(5000), "wrong data")
    check(max(channel.packets) <= 100, "max_packet_length")
    session.finish()


def new_max_packet_length(server):
    session = server.session()
    channel = session.open(0, 4000, auto_ack=None)
    get(channel, b"/bytes/30000")
    session.send(new_max(channel.id, 80))
    channel.grant(1000)
    session.pump(lambda: channel.window == 0)
    check(max(channel.packets) <= 80, f"{max(channel.packets)} after NewMaxPacketLength 80")
    session.send(new_max(channel.id, 400))
    channel.max_packet, channel.auto_ack = 400, 1000
    channel.grant(2000)
    check(response(channel) == pattern(30000), "wrong data")
    check(80 < max(channel.packets) <= 400, f"{max(channel.packets)} after NewMaxPacketLength 400")
    session.finish()


def empty_data(server):
    session = server.session()
    channel = session.open()
    session.send(data_packet(channel.id, b"") * 3)
    ping(channel)
    session.send(data_packet(channel.id, b""))
    ping(channel)
    session.finish()


def overruns(server):
    """More than was granted costs the channel, not the session; so does what makes no sense on a live channel (section 3)."""
    for case in "packet", "window", "huge", "confirmation to no request", "max_packet_length 0":
        session = server.session()
        other = session.open()
        channel = session.open()
        channel.auto_confirm = False
        if case == "packet":
            session.send(data_packet(channel.id, b"x" * (channel.peer_max + 1)))
        elif case == "huge":
            session.send(data_packet(channel.id, b"x" * 3_000_000))
        elif case == "confirmation to no request":
            session.send(confirmation(channel.id))
        elif case == "max_packet_length 0":
            check(session.open(1000, 0).refused is not None, "an open with max_packet_length 0 was accepted")
            session.send(new_max(channel.id, 0))
        else:
            head = post_head(b"/hold", 10_000_000)
            channel.send(head)
            for _ in range(200):  # 200 packets: beyond all that may have been granted meanwhile
                session.send(data_packet(channel.id, b"x" * channel.peer_max))
        session.pump(lambda: channel.close_received)
        session.send(data_packet(channel.id, b"late"))
        session.confirm(channel)
        ping(other)
        alive(session)
        session.finish()


def increments_that_overflow(server):
    session = server.session()
    other = session.open()
    channel = session.open(1000, 100)
    session.send(acknowledgment(channel.id, 2**32 - 1))
    session.pump(lambda: channel.close_received)
    exact = session.open(1000, 100, auto_ack=None)
    exact.grant(2**32 - 1 - 1000)
    ping(exact)
    ping(other)
    session.finish()


# Section 2.1.2

def closed_by_client(server):
    session = server.session()
    channel = session.open()
    get(channel, b"/forever")
    session.pump(lambda: len(channel.data) > 100_000)
    channel.close()  # confirmed, and then nothing more: the session sees to it
    check(ask(session, b"/aborted") == b"aborted", "RequestAborted")
    idle = session.open()
    idle.close()
    # Late packets for ids that were live.
    for late in data_packet(idle.id, b"late"), acknowledgment(idle.id, 5), new_max(idle.id, 5), close_request(channel.id), confirmation(channel.id), data_packet(channel.id, b""):
        session.send(late)
    alive(session)
    session.finish()


def closed_by_server(server):
    session = server.session()
    channel = session.open(1000, 100)
    get(channel, b"/bytes/50000", b"localhost", b"Connection: close")
    check(response(channel) == pattern(50000), "wrong data")  # all of it, before CloseRequest
    session.pump(lambda: channel.close_received)
    alive(session)

    crossing = session.open()
    crossing.auto_confirm = False
    get(crossing, b"/ping", b"localhost", b"Connection: close")
    session.pump(lambda: crossing.close_received)
    crossing.close()  # as if its CloseRequest had not been seen: it must confirm
    session.confirm(crossing)
    alive(session)
    session.finish()


def both_write(server):
    """An end that flushes what it wrote before it closes goes on granting."""
    session = server.session()
    channel = session.open(10, 100, auto_ack=None)
    get(channel, b"/ping", b"localhost", b"Connection: close")
    channel.send(b"x" * 300_000)
    channel.auto_ack = 5
    channel.grant(10)
    session.pump(lambda: channel.close_received)
    check(message(channel.data)[2] == b"pong", f"{channel.data}")
    alive(session)
    session.finish()


def unread(server):
    """What the client gives no window for is discarded after CloseLingerTimeout."""
    session = server.session()
    channel = session.open(10, 100, auto_ack=None)
    get(channel, b"/ping", b"localhost", b"Connection: close")
    session.pump(lambda: channel.close_received)
    check(len(channel.data) == 10, f"{channel.data}")
    alive(session)
    session.finish()


def unconfirmed(server):
    """No CloseConfirmation within CloseTimeout ends the session, and TCP with it: who does not answer is not waited for."""
    session = server.session()
    channel = session.open()
    channel.auto_confirm = False
    get(channel, b"/ping", b"localhost", b"Connection: close")
    session.pump(lambda: channel.close_received)
    try:
        session.expect_end()
    except Truncated:
        check(not session.tls.alerts_read, f"alerts {session.tls.alerts_read}")
    session.tls.close()


# Sections 2.3 and 3

def malformed(channel):
    """Octets after which the stream can't be trusted."""
    live, half = channel.id, channel.half
    never = (half ^ 0x4000) << 16 | live & 0xFFFF
    request = open_request(0x0700, 1000, 100)
    return {
        "type 0": b"\0\0\0", "type 9": b"\x09\0\x04aaaa", "type 255": b"\xff",
        "Open, length too short": request[:1] + struct.pack("!H", len(request) - 4) + request[3:],
        "Open, length too long": request[:1] + struct.pack("!H", len(request) - 2) + request[3:] + b"x",
        "Open, length 0": short(OPEN, b""),
        "Open, empty source": open_request(0x0700, 1000, 100, source=(b"", 1)),
        "Open, empty destination": open_request(0x0700, 1000, 100, destination=(b"", 1)),
        "Success, length 11": short(SUCCESS, b"x" * 11), "Success, length 13": short(SUCCESS, b"x" * 13),
        "Success to no request": success(0x0700, 0x0001, 1000, 100),
        "Echec to no request": echec(0x0700, b"no"), "Echec, length of the text": short(ECHEC, b"\0\1\0\5no"), "Echec, length 1": short(ECHEC, b"x"),
        "CloseRequest, length 3": short(CLOSE, b"abc"), "CloseRequest, length 5": short(CLOSE, struct.pack("!I", live) + b"x"),
        "CloseRequest, never live": close_request(never), "CloseConfirmation, never live": confirmation(never),
        "CloseConfirmation, length 0": short(CONFIRM, b""),
        "Data, never live": data_packet(never, b"x"), "Data, above 16 MiB": data_packet(live, b"", 2**24 + 1), "Data, 2^32-1": data_packet(live, b"", 2**32 - 1),
        "NewMaxPacketLength, never live": new_max(never, 5), "NewMaxPacketLength, length 7": short(NEW_MAX, b"x" * 7),
        "Acknowledgment, never live": acknowledgment(never, 5), "Acknowledgment, length 9": short(ACK, b"x" * 9),
    }


def broken_packets(server):
    names = None
    while names != []:
        session = server.session()
        channel = session.open()
        cases = malformed(channel)
        names = list(cases) if names is None else names
        name = names.pop()
        ping(channel)
        session.send(cases[name])
        try:
            session.expect_end()
        except (Violation, TimeoutError, Truncated, TlsFailure) as e:
            raise Violation(f"{name}: {e!r}") from e
        session.tls.close()


def end_of_session(server):
    session = server.session()
    idle, busy = session.open(), session.open()
    get(busy, b"/forever")
    session.pump(lambda: len(busy.data) > 100_000)
    session.finish()  # close_notify is answered by close_notify
    session = server.session()
    session.finish()  # also where no channel was opened
    session = server.session()
    check(ask(session, b"/aborted") == b"aborted", "RequestAborted")
    session.finish()


def truncation(server):
    session = server.session()
    busy = session.open()
    get(busy, b"/forever")
    session.pump(lambda: len(busy.data) > 100_000)
    session.tls.close()
    session = server.session()
    check(ask(session, b"/aborted") == b"aborted", "RequestAborted")
    session.finish()


def resumption(server):
    """Only a TLS session in which no channel failed fatally is resumed."""
    for fatal in False, True:
        context = server.context()
        tls = connect(context, server.port)
        session = Session(tls)
        channel = session.open()
        ping(channel)
        saved = tls.session()
        if fatal:
            session.send(acknowledgment(channel.id, 2**32 - 1))
            session.pump(lambda: channel.close_received)
            alive(session)
        session.finish()
        tls = connect(context, server.port, session=saved)
        check(tls.reused != fatal, f"resumed {tls.reused}, fatal error {fatal}")
        check(tls.negotiated, "the extension was not answered")
        session = Session(tls)
        alive(session)
        session.finish()
