using System.Buffers;

namespace MtaTls.Tls;

/// <summary>Reads a TLS ClientHello from the start of a connection without consuming it.</summary>
internal static class ClientHelloReader
{
    /// <summary>Looks for a ClientHello at the start of <paramref name="buffer"/>.</summary>
    /// <param name="buffer">All that has arrived on the connection so far. It may be split anywhere, also over several TLS records.</param>
    /// <param name="extensionType">The extension whose presence is asked for, normally <see cref="TlsServerOptions.ExtensionType"/>.</param>
    /// <param name="maxLength">The greatest length in octets, record headers included, that is accepted.</param>
    /// <param name="info">What the client offers; set when the result is <see cref="ClientHelloStatus.Complete"/>.</param>
    /// <returns>What was found. The reader never throws because of what the octets are.</returns>
    public static ClientHelloStatus TryRead(in ReadOnlySequence<byte> buffer, ushort extensionType, int maxLength, out ClientHelloInfo? info)
        => ClientHelloParser.TryRead(buffer, extensionType, maxLength, out info);
}
