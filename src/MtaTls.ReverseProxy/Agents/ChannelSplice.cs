using System.Buffers;
using System.IO.Pipelines;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Copies between a client's channel and an agent's until either ends. Each way has its own window, so a reader that stops holds one channel of each session and nothing else.</summary>
/// <param name="client">The client's channel.</param>
/// <param name="agent">The agent's channel.</param>
/// <param name="clientPipe">What it is read and written by, at the pace of its client's identity; null: the channel itself.</param>
internal sealed class ChannelSplice(MtaTlsAgentChannel client, MtaTlsAgentChannel agent, IDuplexPipe? clientPipe = null)
{
    // Set before one channel is closed because the other has ended in order: from then on a read that the close ends is no failure.
    private volatile bool _isClosing;

    /// <summary>Ends when both channels are closed.</summary>
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
                    // It has closed, and reads no more. What it had sent before is still to be copied the other way, which a close of ours would discard.
                    return;
                }

                if (result.IsCompleted)
                {
                    break;
                }
            }

            // There is no half close: the end of one is the end of the other, after all that was written.
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

    /// <summary>False: the other end reads no more. If it failed, reading from it fails as well.</summary>
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
            // Its session has ended.
        }
    }
}
