using System.Net;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Quic;
using MtaTls.Quic.Ngtcp2;

namespace MtaTls.QuicTunnel.Tests.Support;

/// <summary>A fake connection. A test sets its round-trip time, window and missing answers.</summary>
internal sealed class FakeConnection : IQuicConnection
{
    private static long s_ids;
    private readonly Queue<byte[]> _queue = new();

    public long Id { get; } = Interlocked.Increment(ref s_ids);
    public bool IsServer => true;
    public object? State { get; set; }
    public bool IsConnected { get; set; } = true;
    public string? ApplicationProtocol => "qt-session";
    public X509Certificate2? PeerCertificate => null;
    public IPEndPoint LocalEndPoint { get; set; } = new(IPAddress.Loopback, 1);
    public IPEndPoint RemoteEndPoint { get; set; } = new(IPAddress.Loopback, 2);
    public IReadOnlyList<IPEndPoint> PreferredEndPoints { get; set; } = [];
    public int MaxDatagramSize { get; set; } = 1400;
    public bool IsPathMtuSettled { get; set; } = true;
    public TimeSpan SmoothedRtt { get; set; } = TimeSpan.FromMilliseconds(20);
    public TimeSpan MinRtt => SmoothedRtt;
    public long CongestionWindow { get; set; } = 100_000;
    public long BytesInFlight { get; set; }
    public int WaitingStreams { get; set; }
    public int QueuedDatagrams => _queue.Count;
    public int QueueLimit { get; set; } = int.MaxValue;
    public long LastReceivedTimestamp { get; set; }
    public long UnansweredSinceTimestamp { get; set; }
    public QuicConnectionStatistics Statistics => default;
    /// <summary>What is delivered in a second, where it is not the whole window each round-trip time.</summary>
    public double? Rate { get; set; }

    public double DeliveryRate => Rate ?? CongestionWindow / SmoothedRtt.TotalSeconds;
    public long BytesDelivered { get; set; } = 1_000_000;
    public IQuicDatagramSource? DatagramSource { get; set; }
    public bool IsPulling { get; set; } = true;
    public List<DatagramSlot> InFlight { get; } = [];
    public List<byte[]> Sent { get; } = [];
    public (ulong Code, string? Reason)? Closed { get; private set; }
    public List<(long Stream, byte[] Data, bool Fin)> StreamData { get; } = [];
    public List<(long Stream, ulong Code)> Resets { get; } = [];

    /// <summary>The number of streams that were opened.</summary>
    public int Opened { get; private set; }

    public long OpenUnidirectionalStream()
    {
        Opened++;
        return 3;
    }

    /// <summary>Whether SendStream throws, as if too many bytes of streams wait.</summary>
    public bool RefusesStreams { get; set; }

    public void SendStream(long streamId, ReadOnlySpan<byte> data, bool fin)
    {
        if (RefusesStreams)
        {
            throw new InvalidOperationException("Too many bytes of streams are not acknowledged.");
        }

        StreamData.Add((streamId, data.ToArray(), fin));
    }

    public void ResetStream(long streamId, ulong errorCode) => Resets.Add((streamId, errorCode));

    public void StopSending(long streamId, ulong errorCode)
    {
    }

    public bool TrySendDatagram(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (!IsConnected || header.Length + payload.Length > MaxDatagramSize || _queue.Count >= QueueLimit)
        {
            return false;
        }

        byte[] datagram = [.. header, .. payload];
        Sent.Add(datagram);
        return true;
    }

    public int DrainUnsent(QuicDatagramVisitor visitor, object? state)
    {
        int count = 0;
        while (_queue.TryDequeue(out byte[]? datagram))
        {
            visitor(datagram, state);
            count++;
        }

        return count;
    }

    /// <summary>Takes datagrams from the source while there is room, like the loop of a real connection.</summary>
    public void WakeDatagrams()
    {
        while (IsPulling && IsConnected && BytesInFlight < CongestionWindow && InFlight.Count < QueueLimit && DatagramSource?.Take() is { } slot)
        {
            Sent.Add(slot.Span.ToArray());
            InFlight.Add(slot);
            if (CountsInFlight)
            {
                BytesInFlight += slot.Length;
            }
        }
    }

    /// <summary>Whether taken datagrams count as bytes in flight.</summary>
    public bool CountsInFlight { get; set; }

    public void Acknowledge(int count)
    {
        for (; count > 0; count--)
        {
            DatagramSlot slot = InFlight[0];
            InFlight.RemoveAt(0);
            BytesInFlight -= CountsInFlight ? slot.Length : 0;
            DatagramSource!.OnAcknowledged(slot);
        }
    }

    public void Lose(int index, bool isStarting = false)
    {
        DatagramSlot slot = InFlight[index];
        InFlight.RemoveAt(index);
        DatagramSource!.OnLost(slot, isStarting);
    }

    /// <summary>The number of datagrams that were returned to the source.</summary>
    public int Returned { get; private set; }

    public void ReturnDatagrams()
    {
        DatagramSlot[] slots = [.. InFlight];
        Returned += slots.Length;
        InFlight.Clear();
        foreach (DatagramSlot slot in slots)
        {
            DatagramSource!.OnReturned(slot);
        }
    }

    public void Migrate(IPAddress? localAddress, string? interfaceName)
    {
    }

    /// <summary>How often the connection was told to ask its peer for an answer.</summary>
    public int Pings { get; private set; }

    public void Ping() => Pings++;

    public void Close(ulong applicationErrorCode, string? reason = null) => Closed ??= (applicationErrorCode, reason);

    public void Abort()
    {
    }
}
