using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace MtaTls.AspNetCore.ProxyProtocol;

/// <summary>A PROXY protocol header.</summary>
/// <param name="version">1 or 2.</param>
/// <param name="isLocal">Whether its command is LOCAL.</param>
/// <param name="source">The client's address; null if the header has none.</param>
/// <param name="destination">The address to which the client has connected; null if the header has none.</param>
/// <param name="tlvs">The TLVs, which have been checked to be well-formed.</param>
internal sealed class ProxyHeader(int version, bool isLocal, IPEndPoint? source = null, IPEndPoint? destination = null, ReadOnlyMemory<byte> tlvs = default) : IMtaTlsProxyProtocolFeature
{
    // The specification: "An opaque byte sequence of up to 128 bytes".
    private const int MaxUniqueId = 128;

    public int Version => version;

    public bool IsLocal => isLocal;

    public EndPoint? ProxyEndPoint { get; set; }

    public IPEndPoint? SourceEndPoint => source;

    public IPEndPoint? DestinationEndPoint => destination;

    public ReadOnlyMemory<byte> ApplicationProtocol => TryGetTlv(ProxyTlv.Alpn, out ReadOnlyMemory<byte> value) ? value : default;

    public string? Authority => TryGetTlv(ProxyTlv.Authority, out ReadOnlyMemory<byte> value) ? Encoding.UTF8.GetString(value.Span) : null;

    public ReadOnlyMemory<byte> UniqueId => TryGetTlv(ProxyTlv.UniqueId, out ReadOnlyMemory<byte> value) && value.Length <= MaxUniqueId ? value : default;

    public bool TryGetTlv(byte type, out ReadOnlyMemory<byte> value)
    {
        for (ReadOnlyMemory<byte> rest = tlvs; !rest.IsEmpty;)
        {
            int length = BinaryPrimitives.ReadUInt16BigEndian(rest.Span[1..]);
            if (rest.Span[0] == type)
            {
                value = rest.Slice(3, length);
                return true;
            }

            rest = rest[(3 + length)..];
        }

        value = default;
        return false;
    }
}
