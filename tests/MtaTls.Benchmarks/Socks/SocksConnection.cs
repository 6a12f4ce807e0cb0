using System.Buffers.Binary;
using System.Text;
using MtaTls.Benchmarks.Carriers;

namespace MtaTls.Benchmarks.Socks;

/// <summary>A program's connection through a proxy, the same for all contenders.</summary>
internal sealed class SocksConnection : IAsyncDisposable
{
    private readonly Stream _stream;
    private readonly byte[] _request = new byte[Target.RequestLength];

    private SocksConnection(Stream stream)
    {
        _stream = stream;
    }

    /// <summary>Connects by SOCKS5, without authentication (RFC 1928).</summary>
    public static async Task<SocksConnection> OpenAsync(ISocksProxy proxy, int targetPort, CancellationToken ct)
    {
        SocksConnection connection = new(await new SocketCarrier(proxy.Port).OpenAsync(ct));
        try
        {
            byte[] answer = new byte[10];
            await connection._stream.WriteAsync(new byte[] { 5, 1, 0 }, ct);
            await connection._stream.ReadExactlyAsync(answer.AsMemory(0, 2), ct);
            byte[] request = [5, 1, 0, 3, (byte)proxy.TargetHost.Length, .. Encoding.ASCII.GetBytes(proxy.TargetHost), (byte)(targetPort >> 8), (byte)targetPort];
            await connection._stream.WriteAsync(request, ct);
            await connection._stream.ReadExactlyAsync(answer, ct);
            return answer[1] == 0 ? connection : throw new IOException($"{proxy.Title} refused a connection with {answer[1]}.");
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>Requests this many bytes and reads them.</summary>
    public async Task RequestAsync(long length, byte[] buffer, CancellationToken ct)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_request, length);
        await _stream.WriteAsync(_request, ct);
        while (length > 0)
        {
            int received = await _stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(length, buffer.Length)), ct);
            length -= received > 0 ? received : throw new EndOfStreamException("The connection ended within a response.");
        }
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
