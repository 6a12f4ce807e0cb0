using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agent.Transport;
using MtaTls.Protocol;

namespace MtaTls.Agent.Links;

/// <summary>Passes a connection to the endpoint for its HTTP version. Without ALPN, a connection shows its version in its first bytes (RFC 9113, section 3.4).</summary>
internal sealed class PrefaceReader(MtaTlsChannel channel, AgentConnection connection, AgentConnectionListener[] listeners, ILogger logger)
{
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public async void OnReadable()
    {
        if (!connection.TryBegin())
        {
            return;
        }

        try
        {
            AgentConnectionListener? listener = listeners.Length == 1 ? listeners[0] : await FindAsync();
            if (listener is not null && listener.TryAdd(connection))
            {
                return;
            }
        }
        catch (IOException e)
        {
            logger.ConnectionEnded(connection.ConnectionId, e.Message);
        }

        await connection.DisposeAsync();
    }

    private async ValueTask<AgentConnectionListener?> FindAsync()
    {
        while (true)
        {
            ReadResult result = await channel.Input.ReadAsync();
            bool? isHttp2 = StartsWithPreface(result.Buffer);
            if (isHttp2 is null && !result.IsCompleted)
            {
                channel.Input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                continue;
            }

            bool isEmpty = result.Buffer.IsEmpty;
            // The bytes are not marked as examined, so that Kestrel reads them at once.
            channel.Input.AdvanceTo(result.Buffer.Start);
            return isEmpty ? null : Array.Find(listeners, l => l.IsHttp2 == (isHttp2 == true));
        }
    }

    /// <summary>Whether the bytes begin with HTTP/2's preface; null: there are too few bytes.</summary>
    private static bool? StartsWithPreface(ReadOnlySequence<byte> buffer)
    {
        int length = (int)Math.Min(buffer.Length, Preface.Length);
        Span<byte> start = stackalloc byte[Preface.Length];
        buffer.Slice(0, length).CopyTo(start);
        return !Preface.StartsWith(start[..length]) ? false : length == Preface.Length ? true : null;
    }
}
