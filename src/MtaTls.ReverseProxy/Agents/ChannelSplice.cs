using System.Buffers;
using System.IO.Pipelines;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Copies between a client's channel and an agent's until either ends. Each direction has its own window, so a reader that stops blocks only this channel of each session.</summary>
/// <param name="client">The client's channel.</param>
/// <param name="agent">The agent's channel.</param>
/// <param name="clientPipe">Reads and writes the client's channel within the bandwidth of the client's identity; null: no limit, the channel itself.</param>
internal sealed class ChannelSplice(MtaTlsAgentChannel client, MtaTlsAgentChannel agent, IDuplexPipe? clientPipe = null)
{
    // Set before one channel is closed because the other has ended normally: after that a read that fails because of the close is no failure.
    private volatile bool _isClosing;

    /// <summary>Copies until both channels are closed.</summary>
    public async Task RunAsync()
    {
        try
        {
            await Task.WhenAll(CopyAsync(client, clientPipe?.Input ?? client.Input, agent, agent.Output), CopyAsync(agent, agent.Input, client, clientPipe?.Output ?? client.Output));
        }
        finally
        {
            await CloseAsync(client);
            await CloseAsync(agent);
        }
    }

    private async Task CopyAsync(MtaTlsAgentChannel from, PipeReader input, MtaTlsAgentChannel to, PipeWriter output)
    {
        try
        {
            while (true)
            {
                ReadResult result = await input.ReadAsync();
                foreach (ReadOnlyMemory<byte> segment in result.Buffer)
                {
                    output.Write(segment.Span);
                }

                input.AdvanceTo(result.Buffer.End);
                if (!await TryFlushAsync(output))
                {
                    // The reader has closed. The other direction still copies data that it sent before; closing here would discard that data.
                    return;
                }

                if (result.IsCompleted)
                {
                    break;
                }
            }

            // Channels have no half close: when one ends, the other closes too, after all written data is sent.
            _isClosing = true;
            await to.CloseAsync();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            if (!_isClosing)
            {
                to.Abort();
                from.Abort();
            }
        }
    }

    /// <summary>False: the other end reads no more. If its channel failed, reading from it fails too, and that is handled there.</summary>
    private static async ValueTask<bool> TryFlushAsync(PipeWriter output)
    {
        try
        {
            return !(await output.FlushAsync()).IsCompleted;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async ValueTask CloseAsync(MtaTlsAgentChannel channel)
    {
        try
        {
            await channel.DisposeAsync();
        }
        catch (IOException)
        {
            // The session has ended, and the channel with it.
        }
    }
}
