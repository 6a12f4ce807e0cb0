using System.Buffers;

namespace MtaTls.Tls;

internal static class ClientHelloParser
{
    public static ClientHelloStatus TryRead(in ReadOnlySequence<byte> buffer, ushort extensionType, int maxLength, out ClientHelloInfo? info) => throw new NotImplementedException();
}
