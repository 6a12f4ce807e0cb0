using Microsoft.Extensions.Logging;
using MtaTls.Client.Diagnostics;
using MtaTls.Protocol;

namespace MtaTls.Client.Sessions;

/// <summary>Answers the channels that the server opens, by <see cref="MtaTlsClientOptions.ChannelRequested"/>.</summary>
/// <param name="handler">The application's; null: none is accepted.</param>
/// <param name="log">Logs.</param>
/// <param name="stopping">Is cancelled when the client is disposed.</param>
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
            // It was answered by the handler, as it should be.
        }
    }
}
