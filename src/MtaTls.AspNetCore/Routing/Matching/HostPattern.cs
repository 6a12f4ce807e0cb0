using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MtaTls.AspNetCore.Routing;

/// <summary>A pattern for hosts: a name or IP address, <c>*.suffix</c>, a network in CIDR notation, or <c>*</c>.</summary>
internal sealed class HostPattern
{
    private readonly ChannelHost _exact;
    private readonly string? _suffix;
    private readonly bool _any;

    private HostPattern(ChannelHost exact, string? suffix, IPNetwork? network, bool any)
    {
        _exact = exact;
        _suffix = suffix;
        Network = network;
        _any = any;
    }

    /// <summary>The addresses that the pattern names; null for names and <c>*</c>.</summary>
    public IPNetwork? Network { get; }

    /// <summary>Whether the pattern is <c>*</c>.</summary>
    public bool IsAny => _any;

    /// <summary>A higher value is more specific: an exact host, then longer suffixes and networks before shorter ones, then <c>*</c>.</summary>
    public int Specificity => _any ? 0 : _suffix is not null ? _suffix.Length : Network is { } network && _exact == default ? network.PrefixLength : 1000;

    public static bool TryParse(string? text, [NotNullWhen(true)] out HostPattern? pattern, [NotNullWhen(false)] out string? error)
    {
        pattern = null;
        error = null;
        if (text == "*")
        {
            pattern = new HostPattern(default, null, null, any: true);
        }
        else if (text is not null && text.StartsWith("*.", StringComparison.Ordinal))
        {
            if (ChannelHost.TryParse(text.AsSpan(2), out ChannelHost suffix) && suffix.Name is not null)
            {
                pattern = new HostPattern(default, "." + suffix.Name, null, any: false);
            }
        }
        else if (text is not null && text.Contains('/'))
        {
            if (TryParseNetwork(text, out IPNetwork network))
            {
                pattern = new HostPattern(default, null, network, any: false);
            }
        }
        else if (ChannelHost.TryParse(text, out ChannelHost exact))
        {
            IPNetwork? network = exact.Address is { } address ? new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128) : (IPNetwork?)null;
            pattern = new HostPattern(exact, null, network, any: false);
        }

        if (pattern is null)
        {
            error = $"'{text}' is not a host name (non-ASCII names as A-labels, 'xn--...'), an IP address, '*.suffix', a network such as 10.0.0.0/8 or 'fd00::/8', or '*'";
        }

        return pattern is not null;
    }

    /// <summary>Reads a network in CIDR notation, or an address as a network with one address. The address must be the first of the network.</summary>
    public static bool TryParseNetwork(string? text, out IPNetwork network)
    {
        network = default;
        int slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        if (!ChannelHost.TryParse(slash < 0 ? text : text.AsSpan(0, slash), out ChannelHost host) || host.Address is null)
        {
            return false;
        }

        bool mapped = host.Address.AddressFamily == AddressFamily.InterNetwork && text!.Contains(':');
        int bits = host.Address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        int length = bits;
        if (slash >= 0)
        {
            if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length))
            {
                return false;
            }
            // ::ffff:10.0.0.0/104 is 10.0.0.0/8.
            if (mapped)
            {
                length -= 96;
            }

            if (length < 0 || length > bits)
            {
                return false;
            }
        }

        // 10.1.2.3/8 is probably a typing error, and the network may be much larger than intended. IPNetwork would silently clear the bits.
        return IPNetwork.TryParse($"{host.Address}/{length.ToString(CultureInfo.InvariantCulture)}", out network) && network.BaseAddress.Equals(host.Address);
    }

    public bool Matches(in ChannelHost host)
    {
        if (_any)
        {
            return true;
        }

        if (_suffix is not null)
        {
            return host.Name is { } name && name.Length > _suffix.Length && name.EndsWith(_suffix, StringComparison.Ordinal);
        }

        if (_exact != default)
        {
            return _exact == host;
        }

        return host.Address is { } address && Network!.Value.Contains(address);
    }

    public override string ToString() => _any ? "*" : _suffix is not null ? "*" + _suffix : _exact != default ? _exact.ToString() : Network!.Value.ToString();
}
