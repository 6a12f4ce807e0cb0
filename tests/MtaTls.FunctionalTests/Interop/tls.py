"""TLS 1.2 and 1.3 by OpenSSL 3, with the extension data_multiplexing, for both roles."""
import ctypes as C
import select
import socket
import sys
import time

try:
    ssl = C.CDLL("libssl.so.3", use_errno=True)
    crypto = C.CDLL("libcrypto.so.3", use_errno=True)
except OSError as e:
    print(f"OpenSSL 3 is not installed: {e}")
    sys.exit(77)

TIMEOUT = 60.0  # seconds; catches hangs, nothing else
TLS12, TLS13 = 0x0303, 0x0304
EXTENSION = 65389
EXT_CONTEXT = 0x80 | 0x100 | 0x400  # ClientHello, TLS 1.2 ServerHello, TLS 1.3 EncryptedExtensions
CLOSE_NOTIFY, DECODE_ERROR = (1, 0), (2, 50)

P, I, U, L, Z = C.c_void_p, C.c_int, C.c_uint, C.c_long, C.c_size_t
ADD = C.CFUNCTYPE(I, P, U, U, C.POINTER(P), C.POINTER(Z), P, Z, C.POINTER(I), P)
FREE = C.CFUNCTYPE(None, P, U, U, P, P)
PARSE = C.CFUNCTYPE(I, P, U, U, P, Z, P, Z, C.POINTER(I), P)
INFO = C.CFUNCTYPE(None, P, I, I)
MSG = C.CFUNCTYPE(None, I, I, I, P, Z, P, P)
ALPN = C.CFUNCTYPE(I, P, C.POINTER(P), C.POINTER(C.c_ubyte), P, U, P)


def _declare(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


for _name, _result, *_arguments in [
    ("TLS_method", P), ("SSL_CTX_new", P, P), ("SSL_CTX_free", None, P), ("SSL_CTX_ctrl", L, P, I, L, P), ("SSL_ctrl", L, P, I, L, P),
    ("SSL_CTX_add_custom_ext", I, P, U, U, ADD, FREE, P, PARSE, P), ("SSL_CTX_set_info_callback", None, P, INFO),
    ("SSL_CTX_set_msg_callback", None, P, MSG), ("SSL_CTX_set_alpn_protos", I, P, C.c_char_p, U), ("SSL_CTX_set_alpn_select_cb", None, P, ALPN, P),
    ("SSL_CTX_load_verify_locations", I, P, C.c_char_p, C.c_char_p), ("SSL_CTX_set_verify", None, P, I, P),
    ("SSL_CTX_use_certificate_chain_file", I, P, C.c_char_p), ("SSL_CTX_use_PrivateKey_file", I, P, C.c_char_p, I),
    ("SSL_new", P, P), ("SSL_free", None, P), ("SSL_set_fd", I, P, I), ("SSL_set_connect_state", None, P), ("SSL_set_accept_state", None, P),
    ("SSL_do_handshake", I, P), ("SSL_read_ex", I, P, P, Z, C.POINTER(Z)), ("SSL_write_ex", I, P, P, Z, C.POINTER(Z)), ("SSL_shutdown", I, P),
    ("SSL_get_error", I, P, I), ("SSL_version", I, P), ("SSL_get0_alpn_selected", None, P, C.POINTER(P), C.POINTER(U)),
    ("SSL_get1_session", P, P), ("SSL_set_session", I, P, P), ("SSL_key_update", I, P, I), ("SSL_set1_host", I, P, C.c_char_p),
    ("SSL_session_reused", I, P),
]:
    _declare(ssl, _name, _result, *_arguments)
_declare(crypto, "ERR_clear_error", None)
_declare(crypto, "ERR_get_error", C.c_ulong)
_declare(crypto, "ERR_error_string_n", None, C.c_ulong, C.c_char_p, Z)


class Truncated(Exception):
    """The end of TCP without close_notify."""


class TlsFailure(Exception):
    pass


def _errors():
    texts = []
    while code := crypto.ERR_get_error():
        text = C.create_string_buffer(256)
        crypto.ERR_error_string_n(code, text, 256)
        texts.append(text.value.decode())
    return "; ".join(texts)


class Context:
    """An SSL_CTX. `body` is what the extension carries, None for no extension."""

    def __init__(self, version, *, server=False, body=b"", alpn=(b"http/1.1",), root=None, certificate=None, key=None):
        self.server, self.body, self.alpn = server, body, alpn
        self.handle = ssl.SSL_CTX_new(ssl.TLS_method())
        self._out = C.create_string_buffer(body or b"", max(1, len(body or b"")))
        self.connections, self.last = {}, None
        self._keep = [ADD(self._add), FREE(lambda *_: None), PARSE(self._parse), INFO(self._info), MSG(self._message), ALPN(self._select)]
        ssl.SSL_CTX_ctrl(self.handle, 123, version, None)
        ssl.SSL_CTX_ctrl(self.handle, 124, version, None)
        ssl.SSL_CTX_ctrl(self.handle, 33, 1 | 2, None)  # partial writes, from a buffer that may move
        if body is not None and not ssl.SSL_CTX_add_custom_ext(self.handle, EXTENSION, EXT_CONTEXT, *self._keep[:2], None, self._keep[2], None):
            raise TlsFailure("SSL_CTX_add_custom_ext")
        ssl.SSL_CTX_set_info_callback(self.handle, self._keep[3])
        ssl.SSL_CTX_set_msg_callback(self.handle, self._keep[4])
        protocols = b"".join(bytes([len(p)]) + p for p in alpn)
        if server:
            ssl.SSL_CTX_set_alpn_select_cb(self.handle, self._keep[5], None)
            if ssl.SSL_CTX_use_certificate_chain_file(self.handle, certificate.encode()) != 1 or ssl.SSL_CTX_use_PrivateKey_file(self.handle, key.encode(), 1) != 1:
                raise TlsFailure(_errors())
        else:
            if protocols:
                ssl.SSL_CTX_set_alpn_protos(self.handle, protocols, len(protocols))
            if root:
                ssl.SSL_CTX_load_verify_locations(self.handle, root.encode(), None)
                ssl.SSL_CTX_set_verify(self.handle, 1, None)

    def _add(self, _ssl, _type, _context, out, length, _x509, _index, _alert, _arg):
        out[0], length[0] = C.addressof(self._out), len(self.body)
        return 1

    def _parse(self, handle, _type, context, data, length, _x509, _index, alert, _arg):
        self.connections[handle].parsed.append((context, C.string_at(data, length) if length else b""))
        return 1

    def _info(self, handle, where, value):
        if where & 0x4000 and handle in self.connections:
            (self.connections[handle].alerts_read if where & 4 else self.connections[handle].alerts_written).append((value >> 8, value & 255))

    def _message(self, written, _version, content_type, data, length, handle, _arg):
        if content_type == 22 and handle in self.connections:
            self.connections[handle].handshake_message(written, C.string_at(data, length))

    def _select(self, _ssl, out, outlen, offered, length, _arg):
        names, rest = [], C.string_at(offered, length)
        while rest:
            names.append(rest[1:1 + rest[0]])
            rest = rest[1 + rest[0]:]
        for mine in self.alpn:
            if mine in names:
                self._selected = C.create_string_buffer(mine, len(mine))
                out[0], outlen[0] = C.addressof(self._selected), len(mine)
                return 0
        return 3


class Tls:
    """One TLS connection over a socket, for one thread."""

    def __init__(self, context, sock, *, session=None, server_name="localhost"):
        self.context, self.socket = context, sock
        self.parsed, self.alerts_read, self.alerts_written = [], [], []
        self.extension_in = {}  # handshake message type -> body of the extension in it, as read from the wire
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.handle = ssl.SSL_new(context.handle)
        context.connections[self.handle] = context.last = self
        ssl.SSL_set_fd(self.handle, sock.fileno())
        self._buffer = C.create_string_buffer(65536)
        self.ended = False
        if context.server:
            ssl.SSL_set_accept_state(self.handle)
        else:
            ssl.SSL_set_connect_state(self.handle)
            ssl.SSL_ctrl(self.handle, 55, 0, C.cast(C.c_char_p(server_name.encode()), P))
            ssl.SSL_set1_host(self.handle, server_name.encode())
            if session:
                ssl.SSL_set_session(self.handle, session)
        self._until(lambda: ssl.SSL_do_handshake(self.handle))
        self.version = ssl.SSL_version(self.handle)
        self.reused = bool(ssl.SSL_session_reused(self.handle))
        data, length = P(), U()
        ssl.SSL_get0_alpn_selected(self.handle, C.byref(data), C.byref(length))
        self.alpn = C.string_at(data, length.value) if length.value else b""

    @property
    def negotiated(self):
        return bool(self.parsed)

    def handshake_message(self, written, message):
        kind, body = message[0], message[4:]
        if written or kind not in (2, 8):
            return
        if kind == 2:
            body = body[34:]
            body = body[1 + body[0] + 3:]  # session id, cipher suite, compression
        total = int.from_bytes(body[:2], "big")
        rest = body[2:2 + total]
        while rest:
            number, length = int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big")
            if number == EXTENSION:
                self.extension_in[kind] = rest[4:4 + length]
            rest = rest[4 + length:]

    def _until(self, call, deadline=None):
        """Repeats a call while it waits for the socket; its result, or None at the deadline."""
        limit = deadline or time.monotonic() + TIMEOUT
        while True:
            crypto.ERR_clear_error()
            C.set_errno(0)
            result = call()
            if result > 0:
                return result
            error = ssl.SSL_get_error(self.handle, result)
            if error == 6:
                self.ended = True
                return 0
            if error not in (2, 3):
                text = _errors()
                if error == 5 or "unexpected eof" in text:
                    raise Truncated(f"errno {C.get_errno()} {text}")
                raise TlsFailure(text)
            left = limit - time.monotonic()
            if left <= 0:
                if deadline:
                    return None
                raise TimeoutError("TLS")
            select.select([self.socket] if error == 2 else [], [self.socket] if error == 3 else [], [], left)

    def read(self, seconds=None):
        """Octets; b"" after close_notify; None when `seconds` have passed."""
        count = Z()
        done = self._until(lambda: ssl.SSL_read_ex(self.handle, self._buffer, 65536, C.byref(count)), time.monotonic() + seconds if seconds is not None else None)
        return None if done is None else self._buffer.raw[:count.value] if done else b""

    def write(self, data):
        while data:
            count, piece = Z(), data[:16384]
            self._until(lambda: ssl.SSL_write_ex(self.handle, piece, len(piece), C.byref(count)))
            data = data[count.value:]

    def session(self):
        return ssl.SSL_get1_session(self.handle)

    def update_keys(self):
        ssl.SSL_key_update(self.handle, 1)

    def send_close_notify(self):
        crypto.ERR_clear_error()
        ssl.SSL_shutdown(self.handle)

    def close(self):
        """Ends TCP: in order if close_notify was exchanged before, else as a truncation."""
        self.context.connections.pop(self.handle, None)
        ssl.SSL_free(self.handle)
        self.socket.close()


def connect(context, port, **options):
    return Tls(context, socket.create_connection(("127.0.0.1", port), TIMEOUT), **options)
