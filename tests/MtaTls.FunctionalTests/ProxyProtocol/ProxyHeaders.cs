using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace MtaTls.FunctionalTests.ProxyProtocol;

/// <summary>Writes headers of version 2, as a load balancer does.</summary>
internal static class ProxyHeaders
{
    public static byte[] V2(string source, ushort sourcePort, string destination, ushort destinationPort, params (byte Type, string Value)[] tlvs)
    {
        List<byte> rest = [.. IPAddress.Parse(source).GetAddressBytes(), .. IPAddress.Parse(destination).GetAddressBytes(), .. Number(sourcePort), .. Number(destinationPort)];
        foreach ((byte type, string value) in tlvs)
        {
            rest.AddRange([type, .. Number(value.Length), .. Encoding.ASCII.GetBytes(value)]);
        }

        return [.. "\r\n\r\n\0\r\nQUIT\n"u8, 0x21, 0x11, .. Number(rest.Count), .. rest];
    }

    private static byte[] Number(int value)
    {
        byte[] number = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(number, (ushort)value);
        return number;
    }
}
