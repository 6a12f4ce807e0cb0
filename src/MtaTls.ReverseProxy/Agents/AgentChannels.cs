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

/// <summary>Connects channels to agents, whatever is spoken in them: opens a channel to an agent, answers the client's open, and copies between the two.</summary>
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
                _logger.ChannelNotConnected(session.SessionId, request.SenderChannelId, request.Source, request.Destination, route, "no agent has taken it");
                request.Refuse(ChannelDispatcher.Refusal);
            }
            else if (session.Channels.AcceptForForwarding(request) is not { } client)
            {
                agent.Abort();
            }
            else
            {
                using PacedPipe? paced = session.Identity?.CreatePipe(client.Channel);
                try
                {
                    await new ChannelSplice(new MtaTlsAgentChannel(client.Channel), agent, paced).RunAsync();
                }
                finally
                {
                    session.Channels.ForwardingEnded(client);
                }
            }
        }
        catch (Exception e)
        {
            _logger.SpliceFailed(request.Destination.ToString(), e);
            try
            {
                // Unanswered, the open would count as pending as long as the session lives.
                request.Refuse(ChannelDispatcher.Refusal);
            }
            catch (InvalidOperationException)
            {
                // It was answered.
            }
        }
    }

    private async ValueTask<MtaTlsAgentChannel?> OpenAsync(MtaTlsServerSession session, MtaTlsChannelRequest request)
    {
        AgentName name = new(request.Destination.Host.ToLowerInvariant(), request.Destination.Port);
        await selector.LoadAsync(name, session.Connection.ConnectionClosed);
        // A name that nobody has had is no reason to wait: anybody can make one up.
        if (!selector.IsKnown(name))
        {
            return null;
        }

        // The address that the client really has, not the one that it claims.
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
