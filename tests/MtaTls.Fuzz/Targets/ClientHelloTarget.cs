using System.Buffers;
using MtaTls.Tls;

namespace MtaTls.Fuzz.Targets;

/// <summary>The ClientHello: it never throws, means the same however it is cut, and what is complete is no longer than what is there.</summary>
internal sealed class ClientHelloTarget : FuzzTarget
{
    public override string Name => "clienthello";

    public override ValueTask RunAsync(byte[] input, Random random)
    {
        ClientHelloStatus whole = ClientHelloReader.TryRead(new ReadOnlySequence<byte>(input), 65_389, 16_384, out ClientHelloInfo? info);
        ClientHelloStatus cut = ClientHelloReader.TryRead(Sequences.Cut(input, random), 65_389, 16_384, out ClientHelloInfo? cutInfo);
        Require(whole == cut && info?.OffersExtension == cutInfo?.OffersExtension && info?.ServerName == cutInfo?.ServerName && info?.Length == cutInfo?.Length, "Cuts change what a ClientHello means.");
        Require((whole == ClientHelloStatus.Complete) == (info is not null), "Complete without a result.");
        Require(info is null || info.Length <= input.Length, "Longer than what is there.");
        Require(info?.ServerName is null || info.ServerName.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'), "A server name that is none.");
        return default;
    }
}
