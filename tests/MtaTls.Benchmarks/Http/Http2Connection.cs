using System.Buffers.Binary;
using System.Diagnostics;

namespace MtaTls.Benchmarks.Http;

/// <summary>
/// A small HTTP/2 client connection, with one concurrent exchange for each of its requesters. Header blocks of responses are not decoded,
/// except the status, which Kestrel sends as a static index. Windows for responses are as large as a browser's.
/// </summary>
internal sealed class Http2Connection : IAsyncDisposable
{
    private const int InitialStreamWindow = 6 * 1024 * 1024;
    private const int ConnectionWindow = 15 * 1024 * 1024;
    private const int FrameHeader = 9;
    private const int MaxFrame = 16384;

    private readonly Stream _stream;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, Http2Requester> _active = [];
    private readonly SemaphoreSlim _writable = new(0);
    private readonly TaskCompletionSource _settings = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[] _pending = new byte[64 * 1024];
    private byte[] _sending = new byte[64 * 1024];
    private int _pendingLength;
    private bool _writerIdle = true;
    private int _nextStreamId = 1;
    private long _sendWindow = 65535;
    private int _peerInitialWindow = 65535;
    private long _unacknowledged;
    private Task _reading = Task.CompletedTask;
    private Task _writing = Task.CompletedTask;
    private Exception? _failure;
    private bool _senderWaits;
    private TaskCompletionSource _windowChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Http2Connection(Stream stream) => _stream = stream;

    public int Requesters { get; set; }

    public static async Task<Http2Connection> ConnectAsync(Stream stream, CancellationToken ct)
    {
        var connection = new Http2Connection(stream);
        connection.EnqueuePreface();
        connection._writing = connection.WriteLoopAsync();
        connection._reading = connection.ReadLoopAsync();
        await connection._settings.Task.WaitAsync(ct);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        Fail(new ObjectDisposedException(nameof(Http2Connection)));
        await _stream.DisposeAsync();
        await Task.WhenAll(_reading, _writing).ContinueWith(_ => { }, TaskScheduler.Default);
        _writable.Dispose();
    }

    /// <summary>Adds a HEADERS frame on a new stream to the send buffer.</summary>
    internal void StartRequest(Http2Requester requester, ReadOnlySpan<byte> fields, bool endStream)
    {
        bool wake;
        lock (_lock)
        {
            if (_failure is not null)
            {
                throw new IOException("The HTTP/2 connection has failed.", _failure);
            }

            int id = _nextStreamId;
            _nextStreamId += 2;
            requester.StreamId = id;
            requester.SendWindow = _peerInitialWindow;
            _active.Add(id, requester);
            AppendFrame(1, (byte)(endStream ? 0x5 : 0x4), id, fields);
            wake = TakeWriter();
        }

        if (wake)
        {
            _writable.Release();
        }
    }

    /// <summary>Sends DATA frames as the windows allow, END_STREAM with the last.</summary>
    internal async ValueTask SendBodyAsync(Http2Requester requester, long length, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        long left = length;
        while (left > 0)
        {
            Task wait = Task.CompletedTask;
            bool wake = false;
            lock (_lock)
            {
                if (_failure is not null)
                {
                    throw new IOException("The HTTP/2 connection has failed.", _failure);
                }

                long allowed = Math.Min(Math.Min(_sendWindow, requester.SendWindow), Math.Min(left, Math.Min(MaxFrame, content.Length)));
                if (allowed <= 0 || _pendingLength > 256 * 1024)
                {
                    _senderWaits = true;
                    wait = _windowChanged.Task;
                }
                else
                {
                    _sendWindow -= allowed;
                    requester.SendWindow -= allowed;
                    left -= allowed;
                    AppendFrame(0, (byte)(left == 0 ? 1 : 0), requester.StreamId, content.Span[..(int)allowed]);
                    wake = TakeWriter();
                }
            }

            if (wake)
            {
                _writable.Release();
            }

            await wait.WaitAsync(ct);
        }
    }

    private void EnqueuePreface()
    {
        lock (_lock)
        {
            Append("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
            Span<byte> settings = stackalloc byte[18];
            WriteSetting(settings, 1, 0); // HEADER_TABLE_SIZE: nothing is decoded, so nothing may depend on state
            WriteSetting(settings[6..], 2, 0); // ENABLE_PUSH
            WriteSetting(settings[12..], 4, InitialStreamWindow);
            AppendFrame(4, 0, 0, settings);
            AppendWindowUpdate(0, ConnectionWindow);
            TakeWriter();
        }

        _writable.Release();
    }

    private static void WriteSetting(Span<byte> at, ushort id, uint value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(at, id);
        BinaryPrimitives.WriteUInt32BigEndian(at[2..], value);
    }

    private async Task WriteLoopAsync()
    {
        try
        {
            while (true)
            {
                await _writable.WaitAsync();
                while (true)
                {
                    int length;
                    lock (_lock)
                    {
                        (_sending, _pending) = (_pending, _sending);
                        length = _pendingLength;
                        _pendingLength = 0;
                        if (length == 0)
                        {
                            _writerIdle = true;
                        }

                        if (_failure is not null)
                        {
                            return;
                        }

                        ReleaseSenders();
                    }

                    if (length == 0)
                    {
                        break;
                    }

                    await _stream.WriteAsync(_sending.AsMemory(0, length));
                }
            }
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    private async Task ReadLoopAsync()
    {
        byte[] buffer = new byte[128 * 1024];
        int filled = 0;
        try
        {
            while (true)
            {
                int read = await _stream.ReadAsync(buffer.AsMemory(filled));
                if (read == 0)
                {
                    throw new EndOfStreamException("The HTTP/2 connection ended.");
                }

                filled += read;
                int at = 0;
                while (filled - at >= FrameHeader)
                {
                    int length = (buffer[at] << 16) | (buffer[at + 1] << 8) | buffer[at + 2];
                    if (filled - at < FrameHeader + length)
                    {
                        break;
                    }

                    HandleFrame(buffer[at + 3], buffer[at + 4], BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(at + 5)),
                        buffer.AsSpan(at + FrameHeader, length));
                    at += FrameHeader + length;
                }

                buffer.AsSpan(at, filled - at).CopyTo(buffer);
                filled -= at;
                bool wake;
                lock (_lock)
                {
                    wake = _pendingLength > 0 && TakeWriter();
                }

                if (wake)
                {
                    _writable.Release();
                }
            }
        }
        catch (Exception exception)
        {
            Fail(exception);
        }
    }

    private void HandleFrame(byte type, byte flags, int streamId, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case 0: // DATA
                Received(streamId, payload.Length, (flags & 1) != 0, 0);
                break;
            case 1: // HEADERS
                Received(streamId, 0, (flags & 1) != 0, HeaderStatus(payload));
                break;
            case 3: // RST_STREAM
                Take(streamId)?.Complete(new IOException("The server reset the stream."));
                break;
            case 4 when (flags & 1) == 0: // SETTINGS
                ApplySettings(payload);
                break;
            case 6 when (flags & 1) == 0: // PING
                lock (_lock)
                {
                    AppendFrame(6, 1, 0, payload);
                }

                break;
            case 7: // GOAWAY
                throw new IOException($"The server sent GOAWAY, error {BinaryPrimitives.ReadInt32BigEndian(payload[4..])}.");
            case 8: // WINDOW_UPDATE
                lock (_lock)
                {
                    int increment = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
                    if (streamId == 0)
                    {
                        _sendWindow += increment;
                    }
                    else if (_active.TryGetValue(streamId, out Http2Requester? requester))
                    {
                        requester.SendWindow += increment;
                    }

                    ReleaseSenders();
                }

                break;
        }
    }

    // A dynamic table size update (0x20..0x3f) may come first; then Kestrel's ":status: 200" is static index 8.
    private static int HeaderStatus(ReadOnlySpan<byte> block)
    {
        while (block.Length > 0 && (block[0] & 0xE0) == 0x20)
        {
            block = block[1..];
        }

        return block.Length > 0 && block[0] == 0x88 ? 200 : 500;
    }

    private void Received(int streamId, int dataLength, bool end, int status)
    {
        Http2Requester? requester;
        lock (_lock)
        {
            if (dataLength > 0)
            {
                _unacknowledged += dataLength;
                if (_unacknowledged >= ConnectionWindow / 2)
                {
                    AppendWindowUpdate(0, (int)_unacknowledged);
                    _unacknowledged = 0;
                }
            }

            if (!_active.TryGetValue(streamId, out requester))
            {
                return;
            }

            if (end)
            {
                _active.Remove(streamId);
            }
            else if ((requester.Unacknowledged += dataLength) >= InitialStreamWindow / 2)
            {
                AppendWindowUpdate(streamId, (int)requester.Unacknowledged);
                requester.Unacknowledged = 0;
            }
        }

        if (status == 500)
        {
            requester.Complete(new InvalidDataException("The server did not answer 200."));
        }
        else
        {
            requester.Received(dataLength, end);
        }
    }

    private Http2Requester? Take(int streamId)
    {
        lock (_lock)
        {
            return _active.Remove(streamId, out Http2Requester? requester) ? requester : null;
        }
    }

    private void ApplySettings(ReadOnlySpan<byte> payload)
    {
        lock (_lock)
        {
            for (; payload.Length >= 6; payload = payload[6..])
            {
                if (BinaryPrimitives.ReadUInt16BigEndian(payload) != 4)
                {
                    continue;
                }

                int window = BinaryPrimitives.ReadInt32BigEndian(payload[2..]);
                foreach (Http2Requester requester in _active.Values)
                {
                    requester.SendWindow += window - _peerInitialWindow;
                }

                _peerInitialWindow = window;
            }

            AppendFrame(4, 1, 0, []);
        }

        _settings.TrySetResult();
    }

    private void Fail(Exception exception)
    {
        Http2Requester[] failed;
        lock (_lock)
        {
            if (_failure is not null)
            {
                return;
            }

            _failure = exception;
            failed = [.. _active.Values];
            _active.Clear();
            ReleaseSenders();
        }

        _settings.TrySetException(exception);
        _writable.Release();
        foreach (Http2Requester requester in failed)
        {
            requester.Complete(new IOException("The HTTP/2 connection has failed.", exception));
        }
    }

    private void ReleaseSenders()
    {
        if (!_senderWaits)
        {
            return;
        }

        _senderWaits = false;
        TaskCompletionSource changed = _windowChanged;
        _windowChanged = new(TaskCreationOptions.RunContinuationsAsynchronously);
        changed.TrySetResult();
    }

    private bool TakeWriter()
    {
        if (!_writerIdle)
        {
            return false;
        }

        _writerIdle = false;
        return true;
    }

    private void AppendWindowUpdate(int streamId, int increment)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, increment);
        AppendFrame(8, 0, streamId, payload);
    }

    private void AppendFrame(byte type, byte flags, int streamId, ReadOnlySpan<byte> payload)
    {
        Span<byte> header = stackalloc byte[FrameHeader];
        header[0] = (byte)(payload.Length >> 16);
        header[1] = (byte)(payload.Length >> 8);
        header[2] = (byte)payload.Length;
        header[3] = type;
        header[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(header[5..], streamId);
        Append(header);
        Append(payload);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_pendingLength + bytes.Length > _pending.Length)
        {
            Array.Resize(ref _pending, Math.Max(_pending.Length * 2, _pendingLength + bytes.Length));
        }

        bytes.CopyTo(_pending.AsSpan(_pendingLength));
        _pendingLength += bytes.Length;
    }
}
