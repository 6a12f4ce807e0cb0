"""Packets, channels and one session of draft-badra-tls-multiplexing-01, which hold the other end to every rule that can be seen from here."""
import struct
import time

from tls import TIMEOUT, CLOSE_NOTIFY

OPEN, SUCCESS, ECHEC, CLOSE, CONFIRM, DATA, NEW_MAX, ACK = range(1, 9)
NAMES = ["?", "Open", "Success", "Echec", "Close", "Confirm", "Data", "NewMax", "Ack"]


class Violation(Exception):
    """The other end broke a rule."""


class Ended(Exception):
    """The other end sent close_notify."""


def check(condition, text):
    if not condition:
        raise Violation(text)


def vector(data):
    return struct.pack("!H", len(data)) + data


def short(kind, body):
    return struct.pack("!BH", kind, len(body)) + body


def open_request(half, window, max_packet, source=(b"192.0.2.1", 40000), destination=(b"localhost", 443)):
    return short(OPEN, struct.pack("!HII", half, window, max_packet) + vector(source[0]) + struct.pack("!H", source[1]) + vector(destination[0]) + struct.pack("!H", destination[1]))


def success(sender, receiver, window, max_packet):
    return short(SUCCESS, struct.pack("!HHII", sender, receiver, window, max_packet))


def echec(sender, text):
    return short(ECHEC, struct.pack("!H", sender) + vector(text))


def close_request(channel_id):
    return short(CLOSE, struct.pack("!I", channel_id))


def confirmation(channel_id):
    return short(CONFIRM, struct.pack("!I", channel_id))


def data_packet(channel_id, data, length=None):
    return struct.pack("!BII", DATA, len(data) if length is None else length, channel_id) + data


def new_max(channel_id, value):
    return short(NEW_MAX, struct.pack("!II", channel_id, value))


def acknowledgment(channel_id, increment):
    return short(ACK, struct.pack("!II", channel_id, increment))


def parse(buffer):
    """(kind, fields, octets used), or None where the packet is not complete."""
    if len(buffer) < 3:
        return None
    kind = buffer[0]
    check(1 <= kind <= 8, f"packet type {kind}")
    if kind == DATA:
        if len(buffer) < 9:
            return None
        length, channel_id = struct.unpack_from("!II", buffer, 1)
        return None if len(buffer) < 9 + length else (kind, (channel_id, bytes(buffer[9:9 + length])), 9 + length)
    length, = struct.unpack_from("!H", buffer, 1)
    if len(buffer) < 3 + length:
        return None
    body = bytes(buffer[3:3 + length])
    if kind == OPEN:
        half, window, max_packet = struct.unpack_from("!HII", body)
        fields, at = [half, window, max_packet], 10
        for _ in range(2):
            size, = struct.unpack_from("!H", body, at)
            name = body[at + 2:at + 2 + size]
            check(size >= 1 and len(name) == size, "address vector")
            name.decode("ascii")
            port, = struct.unpack_from("!H", body, at + 2 + size)
            fields.append((name, port))
            at += 4 + size
        check(at == length, "length of Open")
    elif kind == ECHEC:
        half, size = struct.unpack_from("!HH", body)
        check(length == 4 + size, "length of Echec")
        fields = [half, body[4:].decode("utf-8")]
    else:
        form = {SUCCESS: "!HHII", CLOSE: "!I", CONFIRM: "!I", NEW_MAX: "!II", ACK: "!II"}[kind]
        check(length == struct.calcsize(form), f"length of {NAMES[kind]}")
        fields = struct.unpack(form, body)
    return kind, tuple(fields), 3 + length


class Channel:
    def __init__(self, session, half, window, max_packet):
        self.session, self.half, self.id = session, half, None
        self.window = window            # what the other end may still send
        self.max_packet = max_packet    # the highest announced to it
        self.credit = 0                 # what may still be sent to it
        self.peer_max = 0
        self.data = bytearray()
        self.packets = []               # sizes of its packets
        self.increments = []            # of its Acknowledgments
        self.refused = None
        self.close_sent = self.close_received = self.confirmed = False
        self.answered_close = False
        self.auto_ack = None            # grant again after that many octets
        self.auto_confirm = True
        self._ungranted = 0

    @property
    def is_open(self):
        return self.id is not None and not (self.close_sent or self.close_received)

    @property
    def over(self):
        """Free on both sides."""
        return (not self.close_sent or self.confirmed) and (not self.close_received or self.answered_close) and (self.close_sent or self.close_received)

    def grant(self, increment):
        self.window += increment
        self.session.send(acknowledgment(self.id, increment))

    def send(self, data):
        """Sends within the other end's window, waiting for its Acknowledgments."""
        while data:
            size = min(len(data), self.credit, self.peer_max)
            if size == 0:
                self.session.pump(lambda: self.credit > 0 or not self.is_open)
                check(self.is_open, "channel closed while sending")
                continue
            self.credit -= size
            self.session.send(data_packet(self.id, data[:size]))
            data = data[size:]

    def close(self, wait=True):
        self.close_sent = True
        self.session.send(close_request(self.id))
        if wait:
            self.session.pump(lambda: self.confirmed)

    def received(self, data):
        check(len(data) <= self.max_packet, f"packet of {len(data)}, announced {self.max_packet}")
        check(len(data) <= self.window, f"packet of {len(data)}, window {self.window}")
        check(len(data) > 0, "an empty packet")
        self.window -= len(data)
        self.packets.append(len(data))
        if self.close_sent:
            return
        self.data += data
        self._ungranted += len(data)
        if self.auto_ack and self._ungranted >= self.auto_ack:
            self.grant(self._ungranted)
            self._ungranted = 0


class Session:
    def __init__(self, tls):
        self.tls = tls
        self.top = 0x8000 if tls.context.server else 0
        self.pending, self.channels, self.opened_by_peer = {}, {}, []
        self.peer_pending = {}
        self.next_half = 0
        self.accept = lambda request: True   # False: refuse; None: answer later
        self.new_channel = (65536, 16000)    # window and max packet of channels that the other end opens
        self.on_open = None
        self.finished = False                # close_notify was sent: nothing may follow it
        self._buffer = bytearray()

    def send(self, data):
        if not self.finished:
            self.tls.write(data)

    def half(self):
        self.next_half += 1
        return self.top | self.next_half

    def begin_open(self, window=65536, max_packet=16000, half=None, auto_ack="half", send=True, **addresses):
        half = self.half() if half is None else half
        channel = Channel(self, half, window, max_packet)
        channel.auto_ack = max(1, window // 2) if auto_ack == "half" else auto_ack
        self.pending[half] = channel
        channel.request = open_request(half, window, max_packet, **addresses)
        if send:
            self.send(channel.request)
        return channel

    def open(self, *arguments, **options):
        channel = self.begin_open(*arguments, **options)
        self.pump(lambda: channel.id is not None or channel.refused is not None)
        return channel

    def accept_request(self, half, window, max_packet):
        mine = self.half()
        channel = Channel(self, half, *self.new_channel)
        channel.id = half << 16 | mine
        check(channel.id not in self.channels, "pair in use")
        channel.credit, channel.peer_max = window, max_packet
        channel.auto_ack = max(1, self.new_channel[0] // 2)
        *_, channel.source, channel.destination = self.peer_pending.pop(half)
        self.channels[channel.id] = channel
        self.opened_by_peer.append(channel)
        self.send(success(half, mine, *self.new_channel))
        return channel

    def pump(self, until, seconds=TIMEOUT):
        """Handles packets until the condition holds. Ended after close_notify."""
        deadline = time.monotonic() + seconds
        while not until():
            if not self.step(max(0.01, deadline - time.monotonic())) and time.monotonic() > deadline:
                raise TimeoutError("packets")

    def step(self, seconds=TIMEOUT):
        while (packet := parse(self._buffer)) is None:
            more = self.tls.read(seconds)
            if more is None:
                return False
            if not more:
                check(not self._buffer, "close_notify in the middle of a packet")
                raise Ended()
            self._buffer += more
        kind, fields, used = packet
        del self._buffer[:used]
        self.handle(kind, fields)
        return True

    def handle(self, kind, fields):
        if kind == OPEN:
            half, window, max_packet, source, destination = fields
            check(half & 0x8000 == 0x8000 - self.top, f"half {half:04x} of the other end has the wrong top bit")
            check(half not in self.peer_pending, "sender_channel_id is pending already")
            check(0 < max_packet < max(window, 1) or window == 0, f"max_packet_length {max_packet} is not smaller than the window {window}")
            self.peer_pending[half] = fields
            answer = self.accept(fields)
            if answer:
                channel = self.accept_request(half, window, max_packet)
                if self.on_open:
                    self.on_open(channel)
            elif answer is False:
                del self.peer_pending[half]
                self.send(echec(half, b"no"))
            return
        if kind == SUCCESS:
            sender, receiver, window, max_packet = fields
            check(sender in self.pending, "Success to no request")
            check(receiver & 0x8000 == 0x8000 - self.top, f"half {receiver:04x} of the other end has the wrong top bit")
            check(max_packet > 0 and max_packet < window, f"max_packet_length {max_packet} is not smaller than the window {window}")
            channel = self.pending.pop(sender)
            channel.id = sender << 16 | receiver
            check(channel.id not in self.channels, "pair in use")
            channel.credit, channel.peer_max = window, max_packet
            self.channels[channel.id] = channel
            return
        if kind == ECHEC:
            check(fields[0] in self.pending, "Echec to no request")
            self.pending.pop(fields[0]).refused = fields[1]
            return
        channel = self.channels.get(fields[0])
        check(channel is not None, f"{NAMES[kind]} for {fields[0]:08x}, which is not live")
        check(kind == CONFIRM or not channel.close_received, f"{NAMES[kind]} after CloseRequest")
        check(not (channel.close_sent and channel.confirmed) or kind == CLOSE, f"{NAMES[kind]} after CloseConfirmation")
        if kind == DATA:
            channel.received(fields[1])
        elif kind == ACK:
            check(fields[1] > 0, "Acknowledgment of nothing")
            check(channel.credit + fields[1] < 2**32, "window overflow")
            channel.credit += fields[1]
            channel.increments.append(fields[1])
        elif kind == NEW_MAX:
            check(fields[1] > 0, "NewMaxPacketLength 0")
            channel.peer_max = fields[1]
        elif kind == CLOSE:
            channel.close_received = True
            if channel.auto_confirm:
                self.confirm(channel)
        elif kind == CONFIRM:
            check(channel.close_sent and not channel.confirmed, "CloseConfirmation to no CloseRequest")
            channel.confirmed = True
        if channel.over and self.channels.get(channel.id) is channel:
            self.release(channel)

    def confirm(self, channel):
        channel.answered_close = True
        self.send(confirmation(channel.id))
        if channel.over:
            self.release(channel)

    def release(self, channel):
        self.channels.pop(channel.id, None)

    def expect_end(self):
        """close_notify and no other alert, whatever packets come before."""
        try:
            self.pump(lambda: False)
        except Ended:
            pass
        check(self.tls.alerts_read == [CLOSE_NOTIFY], f"alerts {self.tls.alerts_read}")
        self.tls.send_close_notify()

    def expect_alive(self):
        check(not self.tls.alerts_read, f"alerts {self.tls.alerts_read}")

    def finish(self):
        """Ends in order, and the other end answers."""
        self.finished = True
        self.tls.send_close_notify()
        self.expect_end()
        self.tls.close()


def get(channel, path, host=b"localhost", *headers):
    channel.send(b"".join([b"GET ", path, b" HTTP/1.1\r\nHost: ", host, b"\r\n", *[h + b"\r\n" for h in headers], b"\r\n"]))


def post_head(path, length):
    return b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + str(length).encode() + b"\r\n\r\n"


def message(data):
    """(start line, headers, body, octets used) of an HTTP/1.1 message, None where it is not complete."""
    head, end, _ = bytes(data).partition(b"\r\n\r\n")
    if not end:
        return None
    start, *lines = head.split(b"\r\n")
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(b":") for line in lines)}
    at = len(head) + 4
    if b"transfer-encoding" not in headers:
        used = at + int(headers.get(b"content-length", b"0"))
        return None if len(data) < used else (start, headers, bytes(data[at:used]), used)
    body = b""
    while (line_end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line_end], 16)
        at = line_end + 2 + size + 2
        if len(data) < at:
            break
        if size == 0:
            return start, headers, body, at
        body += data[line_end + 2:at - 2]
    return None


def response(channel):
    """Waits for a whole response and takes it out of the channel."""
    channel.session.pump(lambda: message(channel.data) is not None)
    start, headers, body, used = message(channel.data)
    del channel.data[:used]
    check(start.startswith(b"HTTP/1.1 200"), start)
    return body
