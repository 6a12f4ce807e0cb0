using System.Collections;
using System.Net.Security;

namespace MtaTls.Client;

/// <summary>A list of application protocols (ALPN). Lists with equal elements are equal.</summary>
internal sealed class ProtocolList(params SslApplicationProtocol[] protocols) : IReadOnlyList<SslApplicationProtocol>, IEquatable<ProtocolList>
{
    public static ProtocolList Http11 { get; } = new(SslApplicationProtocol.Http11);

    public static ProtocolList Http2OrHttp11 { get; } = new(SslApplicationProtocol.Http2, SslApplicationProtocol.Http11);

    public int Count => protocols.Length;

    public SslApplicationProtocol this[int index] => protocols[index];

    /// <summary>Returns the elements that are also in <paramref name="allowed"/>, or all elements if that is empty.</summary>
    public ProtocolList RestrictedTo(ProtocolList allowed)
    {
        if (allowed.Count == 0)
        {
            return this;
        }

        SslApplicationProtocol[] common = [.. protocols.Where(allowed.Contains)];
        return common.Length == protocols.Length ? this : new ProtocolList(common);
    }

    public bool Equals(ProtocolList? other) => other is not null && protocols.AsSpan().SequenceEqual(((IEnumerable<SslApplicationProtocol>)other).ToArray());

    public override bool Equals(object? obj) => Equals(obj as ProtocolList);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (SslApplicationProtocol protocol in protocols)
        {
            hash.Add(protocol);
        }

        return hash.ToHashCode();
    }

    public override string ToString() => string.Join(",", protocols);

    public IEnumerator<SslApplicationProtocol> GetEnumerator() => ((IEnumerable<SslApplicationProtocol>)protocols).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
