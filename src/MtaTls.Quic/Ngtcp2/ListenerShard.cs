using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The sockets of a listener in one loop. It finds the connection of each packet, creates new connections, and answers packets that belong to none. Answers without a
/// connection need no memory and have a rate limit.
/// </summary>
internal sealed unsafe class ListenerShard : IPacketRouter
{
    private const int HandOverLimit = 1024;
    private const ulong RetryTokenLifetime = 10_000_000_000;
    private const byte RetryTokenMagic = 0xb6;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly ListenerState _state;
    private readonly ConcurrentQueue<HandedPacket> _handed = new();
    private readonly byte[] _answer = new byte[2048];
    private readonly SourceLimiter _sources;
    private readonly EventRate _versionNegotiations, _retries, _resets, _refusals, _unvalidated;
    private ListenerShard[] _shards = [];
    private int _handedCount;
    private long _accepted, _refused, _retriesSent, _versionNegotiationsSent, _resetsSent, _dropped, _received;

    public ListenerShard(ListenerState state, QuicLoop loop)
    {
        (_state, Loop) = (state, loop);
        int limit = state.Options.MaxStatelessResponsesPerSecond;
        (_versionNegotiations, _resets, _refusals) = (new(limit, NanosecondsPerSecond), new(limit, NanosecondsPerSecond), new(limit, NanosecondsPerSecond));
        _retries = new EventRate(state.Options.MaxRetriesPerSecond, NanosecondsPerSecond);
        _unvalidated = new EventRate(state.Options.RetryRate, NanosecondsPerSecond);
        _sources = new SourceLimiter(state.Options.MaxInitialsPerPort, state.Options.MaxInitialsPerAddress);
        loop.Router = this;
    }

    public QuicLoop Loop { get; }

    /// <summary>Sets all shards of the listener, including this one, in the order of the shard numbers in connection ids.</summary>
    public void SetShards(ListenerShard[] shards) => _shards = shards;

    /// <summary>Adds this shard's counters to the sum.</summary>
    public void AddTo(ref QuicListenerStatistics sum) => sum = sum with
    {
        Accepted = sum.Accepted + Volatile.Read(ref _accepted),
        Refused = sum.Refused + Volatile.Read(ref _refused),
        RetriesSent = sum.RetriesSent + Volatile.Read(ref _retriesSent),
        VersionNegotiationsSent = sum.VersionNegotiationsSent + Volatile.Read(ref _versionNegotiationsSent),
        StatelessResetsSent = sum.StatelessResetsSent + Volatile.Read(ref _resetsSent),
        PacketsDropped = sum.PacketsDropped + Volatile.Read(ref _dropped),
        PacketsReceived = sum.PacketsReceived + Volatile.Read(ref _received),
    };

    public void Forgotten(Ngtcp2Connection connection)
    {
    }

    public void Route(Span<byte> packet, in RawAddress local, in RawAddress remote, int socketIndex)
    {
        _received++;
        Route(packet, local, remote, socketIndex, handed: false);
    }

    private void Route(Span<byte> packet, in RawAddress local, in RawAddress remote, int socketIndex, bool handed)
    {
        ReadOnlySpan<byte> id;
        uint version = 0;
        bool isLong = (packet[0] & 0x80) != 0;
        if (!isLong)
        {
            if (packet.Length < 1 + ConnectionId.LocalLength)
            {
                _dropped++;
                return;
            }
            id = packet.Slice(1, ConnectionId.LocalLength);
        }
        else if (!TryReadLongHeader(packet, out version, out id))
        {
            _dropped++;
            return;
        }

        if (version is 0 or Ngtcp2Structures.Version1 && id.Length <= Ngtcp2Structures.MaxConnectionIdLength && Loop.TryGet(new ConnectionId(id), out Ngtcp2Connection? connection))
        {
            connection.Receive(packet, local, remote, socketIndex);
        }
        else if (isLong && version != Ngtcp2Structures.Version1)
        {
            NegotiateVersion(packet, version, local, remote, socketIndex);
        }
        else if (isLong && id.Length <= Ngtcp2Structures.MaxConnectionIdLength && (packet[0] & 0x30) == 0)
        {
            Accept(packet, local, remote, socketIndex);
        }
        else if (!handed && id.Length == ConnectionId.LocalLength && _shards[Loop.OwnerOf(id)] is var owner && owner != this)
        {
            owner.HandOver(packet, local, remote, socketIndex);
        }
        else if (!isLong)
        {
            Reset(packet, id, local, remote, socketIndex);
        }
        else
        {
            _dropped++;
        }
    }

    /// <summary>Reads the fields that the long headers of every QUIC version share (RFC 8999, section 5.1).</summary>
    private static bool TryReadLongHeader(ReadOnlySpan<byte> packet, out uint version, out ReadOnlySpan<byte> id)
    {
        id = default;
        version = 0;
        if (packet.Length < 7)
        {
            return false;
        }

        version = BinaryPrimitives.ReadUInt32BigEndian(packet[1..]);
        int length = packet[5];
        if (packet.Length < 7 + length || packet.Length < 7 + length + packet[6 + length])
        {
            return false;
        }

        id = packet.Slice(6, length);
        return true;
    }

    private void Accept(Span<byte> packet, in RawAddress local, in RawAddress remote, int socketIndex)
    {
        // Check before anything is read, because most packets of a flood end here.
        if (packet.Length < Ngtcp2Structures.MinInitialPacket || !_sources.TryTake(remote, Loop.Now))
        {
            _dropped++;
            return;
        }

        NativePacketHeader header;
        int result;
        fixed (byte* data = packet)
        {
            result = Loop.Library.Accept(&header, data, (nuint)packet.Length);
        }

        if (result != 0 || header.Version != Ngtcp2Structures.Version1)
        {
            _dropped++;
            return;
        }
        if (_state.Refusing)
        {
            Refuse(header, QuicTransportError.ConnectionRefused, local, remote, socketIndex);
            return;
        }

        // The header's token points into the packet, which must not move during this call.
        NativeConnectionId original = default;
        bool validated = false;
        if (header.TokenLength > 0 && header.Token[0] == RetryTokenMagic)
        {
            validated = VerifyToken(header, remote, out original);
            if (!validated)
            {
                Refuse(header, QuicTransportError.InvalidToken, local, remote, socketIndex);
                return;
            }
        }
        if (!validated && MustValidate())
        {
            Retry(header, local, remote, socketIndex);
            return;
        }
        if (!_state.TryBegin())
        {
            Refuse(header, QuicTransportError.ConnectionRefused, local, remote, socketIndex);
            return;
        }

        var connection = new Ngtcp2Connection(Loop, _state.Options, _state.Credentials, _state.Pool, local, remote)
        {
            HandshakeEnded = _state.HandshakeEnded,
            Ended = _state.ConnectionEnded,
        };
        try
        {
            connection.Handler = _state.Accept(connection);
        }
        catch (Exception exception)
        {
            Log.AcceptFailed(Loop.Logger, remote.ToEndPoint(), exception);
            _state.HandshakeEnded();
            _state.ConnectionEnded();
            Refuse(header, QuicTransportError.ConnectionRefused, local, remote, socketIndex);
            return;
        }
        _accepted++;
        Loop.Add(connection);
        // The packet may be part of a flood. A connection that ends within these calls uses the memory of former ones again.
        ConnectionMemory.BeginProvisional();
        try
        {
            if (connection.StartServer(header, validated ? original : null, socketIndex))
            {
                connection.Receive(packet, local, remote, socketIndex);
            }
        }
        finally
        {
            ConnectionMemory.EndProvisional();
        }
    }

    private bool MustValidate() => _state.Options.AddressValidation switch
    {
        QuicAddressValidation.Always => true,
        QuicAddressValidation.Never => false,
        _ => _state.Handshakes >= _state.Options.RetryThreshold || !_unvalidated.TryTake((long)Loop.Now),
    };

    private bool VerifyToken(NativePacketHeader header, RawAddress remote, out NativeConnectionId original)
    {
        NativeConnectionId id = default;
        int result;
        fixed (byte* key = _state.RetryKey)
        {
            result = Loop.Library.VerifyRetryToken(&id, header.Token, header.TokenLength, key, (nuint)_state.RetryKey.Length, header.Version,
                (byte*)&remote, (uint)remote.Length, &header.DestinationId, RetryTokenLifetime, _state.TokenTime(Loop));
        }

        original = id;
        return result == 0;
    }

    private void Retry(NativePacketHeader header, in RawAddress local, RawAddress remote, int socketIndex)
    {
        if (!_retries.TryTake((long)Loop.Now))
        {
            _dropped++;
            return;
        }
        Span<byte> octets = stackalloc byte[ConnectionId.LocalLength];
        Loop.NewConnectionId(octets);
        var id = new NativeConnectionId(octets);
        byte* token = stackalloc byte[Ngtcp2Structures.MaxRetryToken];
        nint written;
        fixed (byte* key = _state.RetryKey, answer = _answer)
        {
            nint length = Loop.Library.GenerateRetryToken(token, key, (nuint)_state.RetryKey.Length, header.Version, (byte*)&remote, (uint)remote.Length, &id, &header.DestinationId, _state.TokenTime(Loop));
            written = length < 0 ? length : Loop.Library.WriteRetry(answer, (nuint)_answer.Length, header.Version, &header.SourceId, &id, &header.DestinationId, token, (nuint)length);
        }
        if (Send(written, local, remote, socketIndex))
        {
            _retriesSent++;
        }
    }

    private void Refuse(NativePacketHeader header, ulong code, in RawAddress local, in RawAddress remote, int socketIndex)
    {
        _refused++;
        if (!_refusals.TryTake((long)Loop.Now))
        {
            return;
        }

        nint written;
        fixed (byte* answer = _answer)
        {
            written = Loop.Library.WriteInitialClose(answer, (nuint)_answer.Length, header.Version, &header.SourceId, &header.DestinationId, code, null, 0);
        }

        Send(written, local, remote, socketIndex);
    }

    private void NegotiateVersion(ReadOnlySpan<byte> packet, uint version, in RawAddress local, in RawAddress remote, int socketIndex)
    {
        // No answer to a Version Negotiation packet or to a small packet (RFC 9000, sections 6.1 and 5.2.2). Ids of other versions may be longer than 20 bytes.
        if (version == 0 || packet.Length < Ngtcp2Structures.MinInitialPacket || !_versionNegotiations.TryTake((long)Loop.Now))
        {
            _dropped++;
            return;
        }
        uint supported = Ngtcp2Structures.Version1;
        int idLength = packet[5];
        ReadOnlySpan<byte> id = packet.Slice(6, idLength);
        ReadOnlySpan<byte> source = packet.Slice(7 + idLength, packet[6 + idLength]);
        nint written;
        fixed (byte* answer = _answer, idStart = id, sourceStart = source)
        {
            written = Loop.Library.WriteVersionNegotiation(answer, (nuint)_answer.Length, (byte)RandomNumberGenerator.GetInt32(256), sourceStart, (nuint)source.Length, idStart, (nuint)idLength, &supported, 1);
        }

        if (Send(written, local, remote, socketIndex))
        {
            _versionNegotiationsSent++;
        }
    }

    /// <summary>Sends a stateless reset. It is shorter than the packet that it answers, so that two ends cannot reset each other for ever (RFC 9000, section 10.3).</summary>
    private void Reset(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> id, in RawAddress local, in RawAddress remote, int socketIndex)
    {
        const int Least = 5 + Ngtcp2Structures.StatelessResetTokenLength;
        if (packet.Length <= Least || !_resets.TryTake((long)Loop.Now))
        {
            _dropped++;
            return;
        }
        Span<byte> token = stackalloc byte[Ngtcp2Structures.StatelessResetTokenLength];
        Loop.StatelessResetToken(id, token);
        Span<byte> random = stackalloc byte[Math.Min(packet.Length - 1, 43) - Ngtcp2Structures.StatelessResetTokenLength];
        RandomNumberGenerator.Fill(random);
        nint written;
        fixed (byte* answer = _answer, tokenStart = token, randomStart = random)
        {
            written = Loop.Library.WriteStatelessReset(answer, (nuint)_answer.Length, tokenStart, randomStart, (nuint)random.Length);
        }

        if (Send(written, local, remote, socketIndex))
        {
            _resetsSent++;
        }
    }

    private bool Send(nint length, in RawAddress local, in RawAddress remote, int socketIndex)
    {
        if (length <= 0 || Loop.Socket(socketIndex) is not { } socket)
        {
            return false;
        }

        fixed (byte* answer = _answer)
        {
            Loop.Sender.Send(socket, answer, (int)length, (int)length, remote, local);
        }

        return true;
    }

    /// <summary>Takes a packet of this shard's connection from another shard, on whose socket it arrived because the client's address has changed. Runs on the other shard's thread.</summary>
    private void HandOver(ReadOnlySpan<byte> packet, in RawAddress local, in RawAddress remote, int socketIndex)
    {
        if (Interlocked.Increment(ref _handedCount) > HandOverLimit)
        {
            Interlocked.Decrement(ref _handedCount);
            return;
        }
        byte[] copy = ArrayPool<byte>.Shared.Rent(packet.Length);
        packet.CopyTo(copy);
        _handed.Enqueue(new HandedPacket(copy, packet.Length, local, remote, socketIndex));
        Loop.Post(TakeHanded);
    }

    private void TakeHanded()
    {
        while (_handed.TryDequeue(out HandedPacket handed))
        {
            Interlocked.Decrement(ref _handedCount);
            Route(handed.Octets.AsSpan(0, handed.Length), handed.Local, handed.Remote, handed.SocketIndex, handed: true);
            ArrayPool<byte>.Shared.Return(handed.Octets);
        }
    }

    private readonly record struct HandedPacket(byte[] Octets, int Length, RawAddress Local, RawAddress Remote, int SocketIndex);
}
