using Microsoft.Extensions.Logging;
using MtaTls.Client.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>Answers the server's opens with <see cref="MtaTlsClientOptions.ChannelRequested"/>.</summary>
/// <param name="handler">The application's callback; null if all opens are refused.</param>
/// <param name="log">The client's log.</param>
/// <param name="stopping">Cancelled when the client is disposed.</param>
internal sealed class InboundChannels(Func<MtaTlsChannelRequest, CancellationToken, ValueTask>? handler, ILogger log, CancellationToken stopping)
{
    public void OnChannelRequested(MtaTlsChannelRequest request)
    {
        if (handler is null)
        {
            request.Refuse("this client accepts no channels");
        }
        else
        {
            _ = Task.Run(() => AnswerAsync(request, handler), CancellationToken.None);
        }
    }

    private async Task AnswerAsync(MtaTlsChannelRequest request, Func<MtaTlsChannelRequest, CancellationToken, ValueTask> answer)
    {
        try
        {
            await answer(request, stopping).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            log.ChannelHandlerFailed(e);
        }
        try
        {
            request.Refuse("not accepted");
        }
        catch (InvalidOperationException)
        {
            // The handler has answered it already.
        }
    }
}
