using System.Net;
using Microsoft.Extensions.Logging;
using MtaTls.Agents;
using MtaTls.AspNetCore.Connections;
using MtaTls.AspNetCore.Diagnostics;
using MtaTls.AspNetCore.Identities;
using MtaTls.AspNetCore.Routing;
using MtaTls.Protocol;
using MtaTls.ReverseProxy.Configuration;
using MtaTls.ReverseProxy.Diagnostics;

namespace MtaTls.ReverseProxy.Agents;

/// <summary>Connects clients' channels to agents, for any protocol: opens a channel to an agent, answers the client's open, and copies between the two channels.</summary>
internal sealed class AgentChannels(AgentSelector selector, IAgentConnector connector, ReverseProxySettings settings, TimeProvider time, ILoggerFactory loggers) : IAgentChannels
{
    private readonly ILogger _logger = loggers.CreateLogger(AgentLog.Category);

    public void Start(MtaTlsServerSession session, MtaTlsChannelRequest request, string route) => _ = Task.Run(() => ConnectAsync(session, request, route));

    private async Task ConnectAsync(MtaTlsServerSession session, MtaTlsChannelRequest request, string route)
    {
        try
        {
            if (await OpenAsync(session, request) is not { } agent)
            {
                _logger.ChannelNotConnected(session.SessionId, request.SenderChannelId, request.Source, request.Destination, route, "no agent has opened a channel");
                request.Refuse(ChannelDispatcher.Refusal);
            }
            else if (session.Channels.AcceptForForwarding(request) is not { } client)
            {
                agent.Abort();
            }
            else
            {
                MtaTlsAgentChannel channel = new(client.Channel);
                try
                {
                    using PacedPipe? paced = session.Identity?.CreatePipe(client.Channel);
                    await new ChannelSplice(channel, agent, paced).RunAsync();
                }
                catch
                {
                    // Otherwise both ends would wait for each other.
                    channel.Abort();
                    agent.Abort();
                    throw;
                }
                finally
                {
                    session.Channels.ForwardingEnded(client);
                }
            }
        }
        catch (OperationCanceledException) when (session.Connection.ConnectionClosed.IsCancellationRequested)
        {
            _logger.ChannelNotConnected(session.SessionId, request.SenderChannelId, request.Source, request.Destination, route, "the session has ended");
        }
        catch (Exception e)
        {
            _logger.SpliceFailed(request.Destination.ToString(), e);
            try
            {
                // An open without an answer would count as pending until the session ends.
                request.Refuse(ChannelDispatcher.Refusal);
            }
            catch (InvalidOperationException)
            {
                // The open is answered already.
            }
        }
    }

    private async ValueTask<MtaTlsAgentChannel?> OpenAsync(MtaTlsServerSession session, MtaTlsChannelRequest request)
    {
        AgentName name = new(request.Destination.Host.ToLowerInvariant(), request.Destination.Port);
        await selector.LoadAsync(name, session.Connection.ConnectionClosed);
        // Only requests for known names wait: a client can invent any number of names.
        if (!selector.IsKnown(name))
        {
            return null;
        }

        // The client's real address, not the source that the channel claims.
        ChannelAddress source = session.Connection.RemoteEndPoint is IPEndPoint remote ? new ChannelAddress(remote) : default;
        CancellationToken gone = session.Connection.ConnectionClosed;
        long begin = time.GetTimestamp();
        HashSet<string> tried = [];
        while (true)
        {
            if (selector.Pick(name, tried) is not { } member)
            {
                if (!await selector.WaitAsync(name, tried, settings.Current.Agents.Options.WaitForAgent - time.GetElapsedTime(begin), gone))
                {
                    return null;
                }

                continue;
            }

            try
            {
                MtaTlsAgentChannel channel = await connector.OpenAsync(member, source, gone);
                _logger.ChannelToAgent(source, member.Name, member.Agent);
                return channel;
            }
            catch (AgentUnavailableException)
            {
                tried.Add(member.Id);
            }
        }
    }
}
