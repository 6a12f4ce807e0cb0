using System.Text;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;

namespace MtaTls.Fuzz.Targets;

/// <summary>Hosts in packets, read as routes read them: nothing throws, and valid hosts are safe in a log and in a header.</summary>
internal sealed class AddressesTarget : FuzzTarget
{
    public override string Name => "addresses";

    public override ValueTask RunAsync(byte[] input, Random random)
    {
        string? recent = null;
        if (ChannelAddress.TryCreate(input, (ushort)random.Next(65_536), ref recent, out ChannelAddress address))
        {
            Require(address.Host.Length is > 0 and <= 253, "The host has a wrong length.");
            Require(address.Host.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or ':'), "The host has characters that are not allowed.");
            Require(new ChannelAddress(address.Host, address.Port) == address, "The address differs when it is parsed again.");
            if (ChannelHost.TryParse(address.Host, out ChannelHost host))
            {
                Check(host);
            }
        }
        string text = Encoding.Latin1.GetString(input);
        if (ChannelHost.TryParse(text, out ChannelHost any))
        {
            Check(any);
        }

        if (ChannelHost.TryParseUriHost(text, out ChannelHost uri))
        {
            Check(uri);
        }

        _ = HostPattern.TryParse(text, out _, out _);
        _ = HostPattern.TryParseNetwork(text, out _);
        _ = PortRange.TryParse(text, out _);
        return default;
    }

    private static void Check(ChannelHost host)
    {
        Require(ChannelHost.TryParse(host.ToString(), out ChannelHost again) && again == host, $"'{host}' becomes another host when it is parsed again.");
        if (host.Address is { } address)
        {
            _ = SpecialAddresses.Classify(address);
        }
    }
}
