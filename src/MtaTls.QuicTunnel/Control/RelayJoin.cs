using System.Diagnostics.CodeAnalysis;
using System.Text;
using MtaTls.QuicTunnel.Configuration;

namespace MtaTls.QuicTunnel.Control;

/// <summary>
/// The first message between two concentrators, in place of Join Session: the name of the one that relays, the identity of the client as it has verified it, and the session id that the client has sent.
/// <code>Identity Length(8) Identity(0 or 256) Node Length(8) Node Session Id</code>
/// </summary>
internal sealed record RelayJoin(string Node, byte[]? Identity, byte[] SessionId)
{
    private const int HashLength = 32;

    public byte[] Encode()
    {
        byte[] node = Encoding.ASCII.GetBytes(Node);
        return Tlv.Encode(TlvType.RelayJoin, [(byte)(Identity?.Length ?? 0), .. Identity ?? [], (byte)node.Length, .. node, .. SessionId]);
    }

    /// <summary>Reads the value of the TLV.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, [NotNullWhen(true)] out RelayJoin? join)
    {
        join = null;
        if (value.IsEmpty || value[0] is not (0 or HashLength) || value.Length < value[0] + 2)
        {
            return false;
        }

        ReadOnlySpan<byte> identity = value.Slice(1, value[0]);
        ReadOnlySpan<byte> rest = value[(1 + identity.Length)..];
        int length = rest[0];
        if (rest.Length < length + 2 || !Ascii.IsValid(rest.Slice(1, length)))
        {
            return false;
        }

        string node = Encoding.ASCII.GetString(rest.Slice(1, length));
        if (!ClusterValidation.IsNode(node))
        {
            return false;
        }

        join = new RelayJoin(node, identity.IsEmpty ? null : identity.ToArray(), rest[(1 + length)..].ToArray());
        return true;
    }
}
