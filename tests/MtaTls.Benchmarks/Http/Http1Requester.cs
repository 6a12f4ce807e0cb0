using System.Buffers.Text;
using System.Diagnostics;

namespace MtaTls.Benchmarks.Http;

/// <summary>HTTP/1.1 with keep-alive over any stream. It reads only the responses of the benchmark's server, which have a Content-Length.</summary>
internal sealed class Http1Requester(Stream stream) : IRequester
{
    private readonly byte[] _head = new byte[1024];

    public long FirstByteAt { get; private set; }

    public async ValueTask<long> GetAsync(EncodedRequest request, Memory<byte> buffer, Action<int>? onBytes, CancellationToken ct)
    {
        await stream.WriteAsync(request.Http1, ct);
        (long length, int received) = await ReadHeadAsync(ct);
        onBytes?.Invoke(received);
        long left = length - received;
        while (left > 0)
        {
            int read = await stream.ReadAsync(left < buffer.Length ? buffer[..(int)left] : buffer, ct);
            if (read == 0)
            {
                throw new EndOfStreamException("The connection ended within a response's body.");
            }

            onBytes?.Invoke(read);
            left -= read;
        }

        return length;
    }

    public async ValueTask PostAsync(EncodedRequest request, long length, ReadOnlyMemory<byte> buffer, CancellationToken ct)
    {
        await stream.WriteAsync(request.Http1, ct);
        for (long left = length; left > 0; left -= buffer.Length)
        {
            await stream.WriteAsync(left < buffer.Length ? buffer[..(int)left] : buffer, ct);
        }

        (long body, int received) = await ReadHeadAsync(ct);
        if (body != received)
        {
            throw new InvalidDataException("The response to a POST has an empty or a very small body.");
        }
    }

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private async ValueTask<(long Length, int Received)> ReadHeadAsync(CancellationToken ct)
    {
        int filled = 0;
        while (true)
        {
            int read = await stream.ReadAsync(_head.AsMemory(filled), ct);
            if (read == 0)
            {
                throw new EndOfStreamException("The connection ended before a response.");
            }

            if (filled == 0)
            {
                FirstByteAt = Stopwatch.GetTimestamp();
            }

            filled += read;
            int end = _head.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                return (ParseLength(_head.AsSpan(0, end + 2)), filled - end - 4);
            }

            if (filled == _head.Length)
            {
                throw new InvalidDataException("The head of the response is longer than the benchmark's server sends.");
            }
        }
    }

    private static long ParseLength(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("HTTP/1.1 200"u8))
        {
            throw new InvalidDataException("The server did not answer 200.");
        }

        int at = head.IndexOf("\r\nContent-Length: "u8);
        if (at < 0 || !Utf8Parser.TryParse(head[(at + 18)..], out long length, out _))
        {
            throw new InvalidDataException("A response without Content-Length.");
        }

        return length;
    }
}
