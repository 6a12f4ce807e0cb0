using System.Buffers;
using MtaTls.Tls;

namespace MtaTls.Fuzz.Targets;

/// <summary>The ClientHello: reading never throws, gives the same result in any pieces, and a complete one is not longer than the input.</summary>
internal sealed class ClientHelloTarget : FuzzTarget
{
    public override string Name => "clienthello";

    public override ValueTask RunAsync(byte[] input, Random random)
    {
        ClientHelloStatus whole = ClientHelloReader.TryRead(new ReadOnlySequence<byte>(input), 65_389, 16_384, out ClientHelloInfo? info);
        ClientHelloStatus cut = ClientHelloReader.TryRead(Sequences.Cut(input, random), 65_389, 16_384, out ClientHelloInfo? cutInfo);
        Require(whole == cut && info?.OffersExtension == cutInfo?.OffersExtension && info?.ServerName == cutInfo?.ServerName && info?.Length == cutInfo?.Length, "A ClientHello in pieces is read differently.");
        Require((whole == ClientHelloStatus.Complete) == (info is not null), "Complete without a result.");
        Require(info is null || info.Length <= input.Length, "The length exceeds the input.");
        Require(info?.ServerName is null || info.ServerName.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'), "The server name is invalid.");
        return default;
    }
}
