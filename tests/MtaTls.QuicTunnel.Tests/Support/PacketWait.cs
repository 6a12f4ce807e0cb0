using MtaTls.Quic.Tests.Support;

namespace MtaTls.QuicTunnel.Tests.Support;

internal static class PacketWait
{
    /// <summary>Waits for the next packet from the interface.</summary>
    public static async Task<byte[]> ReceiveAsync(this InMemoryPacketInterface packets)
    {
        byte[] buffer = new byte[2048];
        using var timeout = new CancellationTokenSource(Wait.Timeout);
        int length = await packets.ReceiveAsync(buffer, timeout.Token);
        return buffer[..length];
    }
}
