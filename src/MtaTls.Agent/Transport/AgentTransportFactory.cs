using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MtaTls.Agent.Diagnostics;
using MtaTls.Agent.Links;

namespace MtaTls.Agent.Transport;

/// <summary>Kestrel's transport for <see cref="MtaTlsAgentEndPoint"/>. If the app must open no port, it also replaces every other transport.</summary>
internal sealed class AgentTransportFactory(AgentRuntime runtime, IOptions<MtaTlsAgentOptions> options, ILoggerFactory loggers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly ILogger _logger = loggers.CreateLogger(AgentLog.Category);

    public bool CanBind(EndPoint endpoint) => endpoint is MtaTlsAgentEndPoint || !options.Value.ServeLocally;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        if (endpoint is not MtaTlsAgentEndPoint agent)
        {
            _logger.EndpointNotBound(endpoint);
            return new(new ClosedConnectionListener(endpoint));
        }

        AgentConnectionListener listener = new(agent, runtime);
        runtime.Add(listener);
        return new(listener);
    }
}
