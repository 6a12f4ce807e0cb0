"""The server's part: what it does to a client, one function a case. PeerServerTests says what the client does meanwhile."""
import hashlib
import socket

from client_cases import malformed, pattern
from session import *  # noqa: F403 (the vocabulary of every case)
from session import Session
from tls import TIMEOUT, DECODE_ERROR, CLOSE_NOTIFY, Context, Tls, TlsFailure, Truncated


class Client:
    """Where clients come from."""

    def __init__(self, version, certificate, key):
        self.version, self.certificate, self.key = version, certificate, key
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(TIMEOUT)

    def listen(self, sessions=1):
        print(self.listener.getsockname()[1], sessions, flush=True)

    def context(self, **options):
        return Context(self.version, server=True, certificate=self.certificate, key=self.key, **options)

    def tls(self, context=None):
        connection, _ = self.listener.accept()
        return Tls(context or self.context(), connection)

    def session(self):
        tls = self.tls()
        check(tls.parsed == [(0x80, b"")], f"ClientHello: {tls.parsed}")
        return Serving(Session(tls))


def answer(request):
    start, _, body, _ = request
    method, path, _ = start.split(b" ")
    if path.startswith(b"/bytes/"):
        body = pattern(int(path[7:]))
    elif method == b"POST":
        body = f"{len(body)} {hashlib.sha256(body).hexdigest()}".encode()
    else:
        body = b"fixed"
    return b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body


class Serving:
    """A session whose channels speak HTTP/1.1, or what their destination's name stands for."""

    def __init__(self, session, **at_open):
        self.session, self.at_open, self.output = session, at_open, {}
        session.on_open = self.opened

    def opened(self, channel):
        name = channel.destination[0].decode().removesuffix(".example")
        channel.is_echo, channel.is_http, self.output[channel] = name == "echo", name == "localhost", bytearray()
        if name in self.at_open:
            self.at_open[name](channel)

    def step(self):
        while self.drain():
            pass
        self.session.step()
        for channel in list(self.session.channels.values()):
            output = self.output.get(channel)
            if output is None:
                continue
            if channel.is_echo:
                output += channel.data
                channel.data.clear()
            elif channel.is_http and (request := message(channel.data)):
                del channel.data[:request[3]]
                output += answer(request)

    def drain(self):
        """One packet of each channel that may send."""
        progress = False
        for channel in list(self.session.channels.values()):
            output = self.output.get(channel)
            if output and channel.is_open and (size := min(len(output), channel.credit, channel.peer_max)):
                channel.credit -= size
                self.session.send(data_packet(channel.id, bytes(output[:size])))
                del output[:size]
                progress = True
        return progress

    def until(self, condition):
        while not condition():
            self.step()

    def until_end(self):
        """Until the client ends the session in order."""
        try:
            self.until(lambda: False)
        except Ended:
            pass
        check(self.session.tls.alerts_read == [CLOSE_NOTIFY], f"alerts {self.session.tls.alerts_read}")
        self.session.tls.send_close_notify()
        self.session.tls.close()


def flood(channel, total):
    """As much as the window allows."""
    while total and (size := min(total, channel.credit, channel.peer_max)):
        channel.credit -= size
        channel.session.send(data_packet(channel.id, b"f" * size))
        total -= size
    return total


# Section 2.1

def http(client):
    client.listen()
    serving = client.session()
    check(serving.session.tls.version == client.version and serving.session.tls.alpn == b"http/1.1", "TLS")
    serving.session.new_channel = (1000, 100)
    serving.until_end()
    sizes = [size for channel in serving.session.opened_by_peer for size in channel.packets]
    check(sizes and max(sizes) <= 100, "packets")


def plain(client):
    """A server that does not know the extension: HTTP/1.1, one request in each connection."""
    client.listen(3)
    for _ in range(3):
        tls = client.tls(client.context(body=None))
        text = b""
        try:
            while not message(text) and (more := tls.read()):
                text += more
            if message(text):
                tls.write(answer(message(text)))
                tls.send_close_notify()
            tls.read()
        except (Truncated, TlsFailure):
            pass  # the client went away
        tls.close()


def answer_not_empty(client):
    """A body that is not empty is decode_error."""
    client.listen()
    context = client.context(body=b"x")
    try:
        client.tls(context).read()
    except TlsFailure:
        check(context.last.alerts_read == [DECODE_ERROR], f"alerts {context.last.alerts_read}")
    else:
        raise Violation("the handshake was completed")


def truncation(client):
    client.listen()
    serving = client.session()
    serving.until(lambda: any(c.data for c in serving.session.channels.values() if c.destination[0] == b"cut.example"))
    channel = next(c for c in serving.session.channels.values() if c.destination[0] == b"cut.example")
    serving.session.send(data_packet(channel.id, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf"))
    serving.session.tls.close()


# Section 2.1.1

def refuses(client):
    client.listen()
    serving = client.session()
    serving.session.accept = lambda request: request[4][0] == b"echo.example"
    serving.until_end()


def opens_refused(client):
    client.listen()
    serving = client.session()
    channel = serving.session.begin_open(destination=(b"echo.example", 7))
    serving.until(lambda: channel.refused is not None or channel.id is not None)
    check(channel.refused is not None, "the client accepts what nobody asked it to")
    serving.until_end()


def opens_accepted(client):
    client.listen()
    serving = client.session()
    session = serving.session
    channel = session.open(1000, 100, destination=(b"echo.example", 7))
    check(channel.refused is None and not channel.id & 0x8000 and channel.id >> 31, "id")
    for bad in b"bad host", b"[::1]", b"a" * 254:
        check(session.open(destination=(bad, 7)).refused is not None, f"{bad!r} was taken")
    data = pattern(100_000)
    left = data
    while left:
        size = min(len(left), channel.credit, channel.peer_max)
        if size:
            channel.credit -= size
            session.send(data_packet(channel.id, left[:size]))
            left = left[size:]
        else:
            serving.step()
    serving.until(lambda: len(channel.data) == len(data))
    check(channel.data == data, "wrong data")
    channel.close()
    serving.until_end()


def duplicate_pending(client):
    """A second request with a sender_channel_id that is pending is a packet-layer error."""
    client.listen()
    session = client.session().session
    session.send(open_request(0x8055, 1000, 100, destination=(b"wait.example", 7)))
    session.send(open_request(0x8055, 1000, 100, destination=(b"wait.example", 7)))
    session.expect_end()
    session.tls.close()


def same_half(client):
    """A request with the half of the client's own pending open is refused."""
    client.listen()
    serving = client.session()
    session = serving.session
    session.accept = lambda request: None
    serving.until(lambda: session.peer_pending)
    (half, request), = session.peer_pending.items()
    mine = session.begin_open(half=half, destination=(b"echo.example", 7))
    serving.until(lambda: mine.refused is not None or mine.id is not None)
    check(mine.refused is not None, "taken")
    session.accept = lambda request: True
    serving.opened(session.accept_request(half, *request[1:3]))
    serving.until_end()


def late_success(client):
    """An open that its caller cancelled stays pending; its Success is followed by CloseRequest at once."""
    client.listen()
    serving = client.session()
    session = serving.session
    session.accept = lambda request: request[4][0] == b"echo.example" or None
    serving.until(lambda: any(c.packets for c in session.channels.values()))  # sent after the open was cancelled
    (half, request), = session.peer_pending.items()
    late = session.accept_request(half, *request[1:3])
    serving.until(lambda: late.close_received)
    check(not late.packets, "data")
    serving.until_end()


# Section 2.2

def windows(client):
    client.listen()
    serving = client.session()
    session = serving.session
    session.new_channel = (0, 100)
    zero = []
    serving.at_open["zero"] = zero.append
    serving.until(lambda: zero)
    channel, = zero
    channel.auto_ack = None
    session.new_channel = (1000, 100)
    serving.until(lambda: any(c.packets for c in session.channels.values() if c.is_echo))  # written after what waits for the window
    check(not channel.packets, "data without a window")
    channel.grant(50)
    serving.until(lambda: len(channel.data) == 50)
    session.send(acknowledgment(channel.id, 0))
    session.send(data_packet(channel.id, b""))
    session.send(new_max(channel.id, 80))
    channel.packets.clear()
    channel.grant(1000)
    serving.until(lambda: channel.window == 0)
    check(max(channel.packets) <= 80, f"{max(channel.packets)} after NewMaxPacketLength 80")
    session.send(new_max(channel.id, 400))
    channel.max_packet = 400
    channel.grant(2**32 - 1)
    serving.until(lambda: len(channel.data) == 50_000)
    check(channel.data == pattern(50_000), "wrong data")
    check(80 < max(channel.packets) <= 400, f"{max(channel.packets)} after NewMaxPacketLength 400")
    serving.output[channel] += b"got it"
    serving.until_end()


def window_is_a_limit(client):
    client.listen()
    serving = client.session()
    session = serving.session
    total, flooded = 1_000_000, []
    serving.at_open["flood"] = flooded.append
    serving.until(lambda: flooded)
    channel, = flooded
    left = flood(channel, total)
    while True:  # nobody reads there: what the client grants comes to an end
        before = len(channel.increments)
        probe = session.open(destination=(b"nobody.example", 1))  # an answer: what was granted until here has come
        check(probe.refused is not None, "taken")
        if len(channel.increments) == before:
            break
        left = flood(channel, left)
    check(0 < total - left <= 300_000, f"{total - left} octets were taken")
    serving.until(lambda: any(c.packets for c in session.channels.values() if c.is_echo))
    while left:
        left = flood(channel, left)
        if left:
            serving.step()
    serving.until_end()


def channel_errors(client):
    """What ends one channel, and no other."""
    client.listen()
    serving = client.session()
    session = serving.session

    def closed(channel):
        channel.auto_confirm = False
        session.pump(lambda: channel.close_received)
        session.send(data_packet(channel.id, b"late"))
        session.confirm(channel)
        for late in data_packet(channel.id, b"late"), acknowledgment(channel.id, 5), new_max(channel.id, 5), close_request(channel.id), confirmation(channel.id):
            session.send(late)

    def packet(channel):
        session.send(data_packet(channel.id, b"x" * (channel.peer_max + 1)))
        closed(channel)

    def window(channel):
        for _ in range(200):
            session.send(data_packet(channel.id, b"x" * channel.peer_max))
        closed(channel)

    def overflow(channel):
        session.send(acknowledgment(channel.id, 2**32 - 1))
        closed(channel)

    serving.at_open.update(packet=packet, window=window, overflow=overflow)
    serving.until_end()


# Section 2.1.2

def closing(client):
    client.listen()
    serving = client.session()
    session = serving.session

    def bye(channel):
        session.send(data_packet(channel.id, b"bye"))
        channel.close(wait=False)

    def cross(channel):
        """The client's CloseRequest is crossed by one that has not seen it."""
        channel.auto_confirm = False
        session.pump(lambda: channel.close_received)
        channel.close()
        session.confirm(channel)
        check(channel.data == b"everything that was written", f"{channel.data}")

    serving.at_open.update(bye=bye, cross=cross)
    serving.until_end()


def ends(client):
    """close_notify is answered, and ends every channel in order."""
    client.listen()
    serving = client.session()
    session = serving.session
    serving.until(lambda: any(c.data for c in session.channels.values()))
    channel = next(c for c in session.channels.values() if c.data)
    session.send(data_packet(channel.id, b"bye"))
    session.finish()


# Section 2.3 and 3

def broken_packets(client):
    names = None
    while names != []:
        if names is None:
            class Any:
                id, half = 0, 0
            names = [*malformed(Any)]
            client.listen(len(names))
        session = client.session().session
        name = names.pop()
        session.pump(lambda: any(c.data for c in session.channels.values()))
        session.send(malformed(session.opened_by_peer[0])[name])
        try:
            session.expect_end()
        except (Violation, TimeoutError, Truncated, TlsFailure) as e:
            raise Violation(f"{name}: {e!r}") from e
        session.tls.close()
