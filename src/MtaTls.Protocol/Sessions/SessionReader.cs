using System.Buffers;

namespace MtaTls.Protocol;

/// <summary>
/// The read loop: cuts the bytes of the transport into packets and passes them on. It never waits for a channel, because the channel's window has already
/// reserved memory for all data that may arrive.
/// </summary>
/// <remarks>
/// Headers and control packets are read into the loop's buffer, many with one read. The data of a packet goes from the transport directly into the channel's memory, except the part that is in the buffer already.
/// </remarks>
internal sealed class SessionReader(MtaTlsSession session, IMtaTlsTransport transport, SessionCounters counters)
{
    private const int BufferSize = 16 * 1024;

    /// <summary>The size of the buffer of a session that receives little, so that idle sessions hold less memory.</summary>
    private const int QuietBufferSize = 4 * 1024;

    /// <summary>After this many short reads in a row the session uses the small buffer. A read that fills it switches back to the large one.</summary>
    private const int QuietReads = 8;

    /// <summary>After a data packet of at least this many bytes, only the next header is read: the next data is probably long too, and need not be copied through the buffer.</summary>
    private const int LargePacket = 4 * 1024;

    /// <summary>A data packet with fewer bytes than this is small, see <see cref="MtaTlsSessionLimits.MaxSmallPacketsPerSecond"/>.</summary>
    private const int SmallPacket = 32;

    private byte[] _buffer = new byte[QuietBufferSize];
    private int _shortReads = QuietReads;
    private int _start;
    private int _end;
    private bool _expectLarge;

    private ReadOnlySpan<byte> Buffered => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Reads until the peer ends the stream in order.</summary>
    /// <exception cref="MtaTlsProtocolException">The peer broke a rule of the packet layer.</exception>
    /// <exception cref="IOException">The transport failed, or was truncated.</exception>
    public async Task RunAsync()
    {
        while (true)
        {
            // Needs a whole control packet, or the header of a data packet.
            if (!TryTakePacket(out PacketHeader header, out Plaintext data, out int needed))
            {
                int read = await ReadAsync(Room(needed)).ConfigureAwait(false);
                session.Queue.Cork();
                session.Liveness.OnReceived();
                if (read == 0)
                {
                    if (_start == _end)
                    {
                        return;
                    }

                    throw new MtaTlsProtocolException("The stream ended inside a packet.");
                }
                _shortReads = read < QuietBufferSize ? Math.Min(_shortReads + 1, QuietReads) : 0;
                _end += read;
                continue;
            }
            counters.PacketsReceived++;
            if (header.Type != PacketType.Plaintext)
            {
                continue;
            }

            MtaTlsChannel? channel = FindChannel(data);
            if (data.Length == 0)
            {
                continue;   // no channel lock is taken for these: a peer can send many of them
            }

            if (data.Length <= _end - _start)
            {
                counters.BytesReceived += data.Length;
                if (channel is not null)
                {
                    session.Receiver.ReceivePacket(channel, _buffer.AsSpan(_start, data.Length));
                }

                _start += data.Length;
                continue;
            }
            if (channel is not null && !session.Receiver.BeginPacket(channel, data.Length))
            {
                channel = null;
            }

            int rest = data.Length;
            while (rest > 0)
            {
                Memory<byte> memory = channel is null ? default : PacketReceiver.BeginReceive(channel, rest, begins: rest == data.Length);
                bool skip = memory.IsEmpty;
                if (_start < _end)
                {
                    int count = Math.Min(_end - _start, skip ? rest : Math.Min(rest, memory.Length));
                    if (!skip)
                    {
                        _buffer.AsSpan(_start, count).CopyTo(memory.Span);
                    }

                    _start += count;
                    Received(channel, count, skip);
                    rest -= count;
                    continue;
                }
                if (skip)
                {
                    memory = _buffer.AsMemory(0, Math.Min(rest, _buffer.Length));
                }

                int read = 0;
                try
                {
                    read = await ReadAsync(memory).ConfigureAwait(false);
                    session.Queue.Cork();
                    session.Liveness.OnReceived();
                }
                finally
                {
                    Received(channel, read, skip);
                }
                if (read == 0)
                {
                    throw new MtaTlsProtocolException("The stream ended inside a packet.");
                }

                rest -= read;
            }
        }
    }

    /// <summary>Reads more bytes. Before that, the answers to the packets of the last read are sent, in one flush.</summary>
    private ValueTask<int> ReadAsync(Memory<byte> memory)
    {
        session.Queue.Uncork();
        return transport.ReadAsync(memory);
    }

    /// <summary>Takes the next packet out of the buffer. A control packet is taken whole and handled. Of a data packet only the header and the channel id are taken.</summary>
    /// <param name="header">The packet's header.</param>
    /// <param name="data">The channel id and length of a data packet.</param>
    /// <param name="needed">When the packet is not complete: the number of bytes that the buffer must hold, as far as it is known.</param>
    private bool TryTakePacket(out PacketHeader header, out Plaintext data, out int needed)
    {
        data = default;
        ReadOnlySpan<byte> buffered = Buffered;
        if (!PacketHeader.TryRead(buffered, out header))
        {
            needed = PacketHeader.DataSize;
            return false;
        }
        if (header.Type == PacketType.Plaintext)
        {
            needed = PacketHeader.DataSize;
            if (!Plaintext.TryRead(buffered, header, out data))
            {
                return false;
            }

            _start += PacketHeader.DataSize;
            _expectLarge = data.Length >= LargePacket;
            return true;
        }
        _expectLarge = false;
        needed = PacketHeader.Size + header.Length;
        if (buffered.Length < needed)
        {
            return false;
        }

        _start += needed;
        session.Dispatcher.OnPacket(header.Type, buffered[PacketHeader.Size..needed]);
        return true;
    }

    /// <summary>Returns room in the buffer for a packet of <paramref name="needed"/> bytes. It returns all free room unless a long data packet is expected.</summary>
    private Memory<byte> Room(int needed)
    {
        int buffered = _end - _start;
        if (buffered == 0)
        {
            _start = _end = 0;
            int size = _shortReads < QuietReads || needed > QuietBufferSize ? BufferSize : QuietBufferSize;
            if (_buffer.Length != size)
            {
                Replace(size);
            }
        }
        if (needed > _buffer.Length - _start)
        {
            byte[] former = _buffer;
            ReadOnlySpan<byte> rest = Buffered;
            if (needed > _buffer.Length)
            {
                _buffer = Rent(Math.Max(needed, BufferSize));
            }

            rest.CopyTo(_buffer);
            (_start, _end) = (0, buffered);
            Return(former);
        }
        return _expectLarge ? _buffer.AsMemory(_end, needed - buffered) : _buffer.AsMemory(_end);
    }

    private void Replace(int size)
    {
        Return(_buffer, isReplaced: true);
        _buffer = Rent(size);
    }

    private static bool IsPooled(int size) => size is BufferSize or QuietBufferSize;

    // ArrayPool has arrays of exactly these two sizes.
    private static byte[] Rent(int size) => IsPooled(size) ? ArrayPool<byte>.Shared.Rent(size) : new byte[size];

    private void Return(byte[] former, bool isReplaced = false)
    {
        if (IsPooled(former.Length) && (isReplaced || former != _buffer))
        {
            ArrayPool<byte>.Shared.Return(former);
        }
    }

    private MtaTlsChannel? FindChannel(Plaintext packet)
    {
        if (packet.Length < SmallPacket)
        {
            CountSmall(packet.Length);
        }

        return session.Dispatcher.FindChannel(packet.ChannelId);
    }

    private void CountSmall(int length)
    {
        if (length > 0)
        {
            session.Dispatcher.CountSmallPacket();
            return;
        }
        counters.EmptyDataPackets++;
        session.Dispatcher.CountEmptyPacket();
    }

    private void Received(MtaTlsChannel? channel, int count, bool skipped)
    {
        counters.BytesReceived += count;
        if (channel is null)
        {
            return;
        }

        if (skipped)
        {
            PacketReceiver.Skip(channel, count);
        }
        else
        {
            PacketReceiver.EndReceive(channel, count);
        }
    }
}
