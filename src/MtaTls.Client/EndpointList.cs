using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using MtaTls.Protocol;

namespace MtaTls.Client;

/// <summary>Equivalent endpoints, the preferred one first. Lists with equal elements are equal.</summary>
internal sealed class EndpointList(params DnsEndPoint[] endpoints) : IReadOnlyList<DnsEndPoint>, IEquatable<EndpointList>
{
    public int Count => endpoints.Length;

    public DnsEndPoint this[int index] => endpoints[index];

    /// <summary>Reads "host:port" or "[IPv6 address]:port".</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out DnsEndPoint? endpoint)
    {
        endpoint = null;
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port is < 1 or > 65_535)
        {
            return false;
        }

        string host = text[..colon];
        bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
        host = isBracketed ? host[1..^1] : host;
        if (isBracketed ? !(IPAddress.TryParse(host, out _) && host.Contains(':', StringComparison.Ordinal)) : host.Contains(':', StringComparison.Ordinal) || !ChannelAddress.IsValidHost(host))
        {
            return false;
        }

        endpoint = new DnsEndPoint(host, port);
        return true;
    }

    public bool Equals(EndpointList? other) => other is not null && endpoints.AsSpan().SequenceEqual(other.ToArray());

    public override bool Equals(object? obj) => Equals(obj as EndpointList);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (DnsEndPoint endpoint in endpoints)
        {
            hash.Add(endpoint);
        }

        return hash.ToHashCode();
    }

    public override string ToString() => string.Join(", ", endpoints.Select(Text));

    public IEnumerator<DnsEndPoint> GetEnumerator() => ((IEnumerable<DnsEndPoint>)endpoints).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static string Text(DnsEndPoint endpoint) =>
        string.Create(CultureInfo.InvariantCulture, $"{(endpoint.Host.Contains(':', StringComparison.Ordinal) ? $"[{endpoint.Host}]" : endpoint.Host)}:{endpoint.Port}");
}
