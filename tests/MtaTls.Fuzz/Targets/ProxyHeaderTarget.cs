using MtaTls.AspNetCore.ProxyProtocol;

namespace MtaTls.Fuzz.Targets;

/// <summary>PROXY protocol headers: reading never throws, gives the same result in any pieces, and each TLV can be read.</summary>
internal sealed class ProxyHeaderTarget : FuzzTarget
{
    public override string Name => "proxyheader";

    public override ValueTask RunAsync(byte[] input, Random random)
    {
        ProxyHeaderStatus whole = ProxyHeaderReader.TryRead(new(input), 2048, out ProxyHeader? header, out int length);
        ProxyHeaderStatus cut = ProxyHeaderReader.TryRead(Sequences.Cut(input, random), 2048, out ProxyHeader? cutHeader, out int cutLength);
        Require(whole == cut && length == cutLength && $"{header?.SourceEndPoint}" == $"{cutHeader?.SourceEndPoint}", "A header in pieces is read differently.");
        Require((whole == ProxyHeaderStatus.Complete) == (header is not null), "Complete without a result.");
        Require(header is null || length <= input.Length, "The length exceeds the input.");
        Require((header?.SourceEndPoint is null) == (header?.DestinationEndPoint is null), "Only one of the two addresses is set.");
        for (int type = 0; header is not null && type < 256; type++)
        {
            Require(!header.TryGetTlv((byte)type, out ReadOnlyMemory<byte> value) || value.Length < length, "A TLV is longer than its header.");
        }

        _ = (header?.Authority, header?.UniqueId, header?.ApplicationProtocol);
        return default;
    }
}
