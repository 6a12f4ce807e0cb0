using BenchmarkDotNet.Attributes;
using MtaTls.Protocol;

namespace MtaTls.Benchmarks.Micro;

/// <summary>The window accounting of one full packet: at the sender, and at the receiver with an acknowledgment when it is due.</summary>
public class WindowBenchmarks
{
    private const int Packet = 16_375;

    private readonly SessionReceiveBudget _budget = new(64 << 20, 1000, null);
    private readonly RoundTrip _roundTrip = new(TimeProvider.System);
    private SendWindow _send = new(1 << 20, Packet);
    private ReceiveWindow _receive;
    private long _received;

    public WindowBenchmarks() => _receive = new(_budget.ReserveFirst(256 * 1024), 8 << 20, Packet);

    [Benchmark]
    public int Send()
    {
        int length = _send.NextPacketLength(Packet);
        _send.Subtract(length);
        _send.TryAdd((uint)length);
        return length;
    }

    [Benchmark]
    public uint Receive()
    {
        _received += Packet;
        _receive.Received(_received, _roundTrip);
        return _receive.IsDue(_received) ? _receive.Grant(_received, _received, _budget, _roundTrip) : 0;
    }
}
