using System.Buffers;

namespace MtaTls.Tls;

/// <summary>Reads a TLS ClientHello from the start of a connection without consuming it.</summary>
internal static class ClientHelloReader
{
    /// <summary>Looks for a ClientHello at the start of <paramref name="buffer"/>.</summary>
    /// <param name="buffer">All bytes that have arrived on the connection so far. The ClientHello can be split anywhere, also over several TLS records.</param>
    /// <param name="extensionType">The extension to look for, normally <see cref="TlsServerOptions.ExtensionType"/>.</param>
    /// <param name="maxLength">The longest ClientHello that is accepted, in octets with the record headers.</param>
    /// <param name="info">The offers of the client; set when the result is <see cref="ClientHelloStatus.Complete"/>.</param>
    /// <returns>What was found. No input makes the method throw.</returns>
    public static ClientHelloStatus TryRead(in ReadOnlySequence<byte> buffer, ushort extensionType, int maxLength, out ClientHelloInfo? info)
        => ClientHelloParser.TryRead(buffer, extensionType, maxLength, out info);
}
