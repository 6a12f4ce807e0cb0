using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.AspNetCore.ProxyProtocol;

/// <summary>Writes the PROXY protocol header that a Tcp route sends to its destination.</summary>
internal static class ProxyHeaderWriter
{
    private const string CommonNameOid = "2.5.4.3";

    // A longer text from the client is left out. A valid common name has at most 64 characters (RFC 5280), a host name 253.
    private const int MaxText = 256;

    /// <summary>Writes the header of a channel. Its source is the session's client, its destination this server's address.</summary>
    /// <param name="version">1 or 2.</param>
    /// <param name="session">The channel's session.</param>
    /// <param name="uniqueId">The channel's id in the log.</param>
    public static byte[] Write(ProxyProtocolVersion version, MtaTlsServerSession session, string uniqueId)
    {
        (IPEndPoint? source, IPEndPoint? destination) = ToSameFamily(session.Connection.RemoteEndPoint as IPEndPoint, session.Connection.LocalEndPoint as IPEndPoint);
        return version == ProxyProtocolVersion.V1 ? WriteText(source, destination) : WriteBinary(source, destination, session, uniqueId);
    }

    /// <summary>Converts both addresses to the same family, as a header needs them. Null if either is unknown.</summary>
    private static (IPEndPoint? Source, IPEndPoint? Destination) ToSameFamily(IPEndPoint? source, IPEndPoint? destination)
    {
        if (source is null || destination is null)
        {
            return default;
        }

        IPAddress from = ChannelHost.Normalize(source.Address), to = ChannelHost.Normalize(destination.Address);
        return from.AddressFamily == to.AddressFamily
            ? (new IPEndPoint(from, source.Port), new IPEndPoint(to, destination.Port))
            : (new IPEndPoint(from.MapToIPv6(), source.Port), new IPEndPoint(to.MapToIPv6(), destination.Port));
    }

    private static byte[] WriteText(IPEndPoint? source, IPEndPoint? destination)
    {
        if (source is null || destination is null)
        {
            return "PROXY UNKNOWN\r\n"u8.ToArray();
        }

        string family = source.AddressFamily == AddressFamily.InterNetwork ? "TCP4" : "TCP6";
        return Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"PROXY {family} {Text(source.Address)} {Text(destination.Address)} {source.Port} {destination.Port}\r\n"));

        // Without an IPv6 zone, which has a meaning only on this machine.
        static string Text(IPAddress address) => new IPAddress(address.GetAddressBytes()).ToString();
    }

    private static byte[] WriteBinary(IPEndPoint? source, IPEndPoint? destination, MtaTlsServerSession session, string uniqueId)
    {
        List<byte> header = [.. "\r\n\r\n\0\r\nQUIT\n"u8, 0x21, 0, 0, 0];
        if (source is not null && destination is not null)
        {
            header[13] = (byte)(source.AddressFamily == AddressFamily.InterNetwork ? 0x11 : 0x21);
            header.AddRange(source.Address.GetAddressBytes());
            header.AddRange(destination.Address.GetAddressBytes());
            AddNumber(header, source.Port);
            AddNumber(header, destination.Port);
        }

        if (session.Tls.ServerName is { } name)
        {
            AddText(header, ProxyTlv.Authority, name);
        }

        AddText(header, ProxyTlv.UniqueId, uniqueId);
        Add(header, ProxyTlv.Ssl, Ssl(session));
        (header[14], header[15]) = ((byte)((header.Count - 16) >> 8), (byte)(header.Count - 16));
        return [.. header];
    }

    /// <summary>Creates the TLV PP2_TYPE_SSL: the client's TLS version and cipher suite, and whether its certificate was verified (0: yes).</summary>
    private static List<byte> Ssl(MtaTlsServerSession session)
    {
        byte client = ProxyTlv.ClientSsl;
        X509Certificate2? certificate = session.ClientCertificate;
        if (certificate is not null)
        {
            client |= (byte)(ProxyTlv.ClientCertificateInSession | (session.Tls.SessionResumed ? 0 : ProxyTlv.ClientCertificateInConnection));
        }

        List<byte> ssl = [client, 0, 0, 0, (byte)(certificate is null ? 1 : 0)];
        AddText(ssl, ProxyTlv.SslVersion, session.Tls.Protocol == SslProtocols.Tls13 ? "TLSv1.3" : "TLSv1.2");
        if (certificate is not null && CommonName(certificate) is { } name)
        {
            AddText(ssl, ProxyTlv.SslCommonName, name);
        }

        AddText(ssl, ProxyTlv.SslCipher, session.Tls.CipherSuite.ToString());
        return ssl;
    }

    private static string? CommonName(X509Certificate2 certificate)
    {
        foreach (X500RelativeDistinguishedName part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (!part.HasMultipleElements && part.GetSingleElementType().Value == CommonNameOid)
            {
                return part.GetSingleElementValue();
            }
        }

        return null;
    }

    private static void AddText(List<byte> to, byte type, string text)
    {
        List<byte> value = [.. Encoding.UTF8.GetBytes(text)];
        if (value.Count <= MaxText)
        {
            Add(to, type, value);
        }
    }

    private static void Add(List<byte> to, byte type, List<byte> value)
    {
        to.Add(type);
        AddNumber(to, value.Count);
        to.AddRange(value);
    }

    private static void AddNumber(List<byte> to, int value)
    {
        Span<byte> number = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(number, (ushort)value);
        to.AddRange(number);
    }
}
