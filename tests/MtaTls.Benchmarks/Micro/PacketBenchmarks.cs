using BenchmarkDotNet.Attributes;
using MtaTls.Protocol;

namespace MtaTls.Benchmarks.Micro;

/// <summary>Writing and parsing of the frequent packets: the header of a data packet, and the acknowledgment.</summary>
public class PacketBenchmarks
{
    private readonly byte[] _buffer = new byte[64];
    private readonly byte[] _dataHeader = new byte[PacketHeader.DataSize];
    private readonly byte[] _acknowledgment = new byte[Acknowledgment.Size];

    public PacketBenchmarks()
    {
        new Plaintext(new ChannelId(0x00018001), 16_375).Write(_dataHeader);
        new Acknowledgment(new ChannelId(0x00018001), 65_536).Write(_acknowledgment);
    }

    [Benchmark]
    public int WriteDataHeader() => new Plaintext(new ChannelId(0x00018001), 16_375).Write(_buffer);

    [Benchmark]
    public int ParseDataHeader() =>
        PacketHeader.TryRead(_dataHeader, out PacketHeader header) && Plaintext.TryRead(_dataHeader, header, out Plaintext packet) ? packet.Length : throw new InvalidDataException();

    [Benchmark]
    public int WriteAcknowledgment() => new Acknowledgment(new ChannelId(0x00018001), 65_536).Write(_buffer);

    [Benchmark]
    public uint ParseAcknowledgment() =>
        PacketHeader.TryRead(_acknowledgment, out _) ? Acknowledgment.Read(_acknowledgment.AsSpan(PacketHeader.Size)).FreeSpace : throw new InvalidDataException();
}
