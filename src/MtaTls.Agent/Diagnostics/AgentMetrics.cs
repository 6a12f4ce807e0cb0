using System.Diagnostics;
using System.Diagnostics.Metrics;
using MtaTls.Agent.Links;

namespace MtaTls.Agent.Diagnostics;

/// <summary>The meter <c>MtaTls.Agent</c>.</summary>
internal sealed class AgentMetrics
{
    public const string MeterName = "MtaTls.Agent";

    private readonly UpDownCounter<long> _sessions;
    private readonly UpDownCounter<long> _channels;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _failures;

    public AgentMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterName);
        _sessions = meter.CreateUpDownCounter<long>("mtatls.agent.active_registrations", "{registration}", "Sessions that are registered with a gateway.");
        _channels = meter.CreateUpDownCounter<long>("mtatls.agent.active_channels", "{channel}", "Open channels from gateways.");
        _refused = meter.CreateCounter<long>("mtatls.agent.channels.refused", "{channel}", "Channels from gateways that the agent refused.");
        _failures = meter.CreateCounter<long>("mtatls.agent.connect_failures", "{attempt}", "Failed attempts to reach a gateway or to register, and lost registrations.");
    }

    public void SessionStarted() => _sessions.Add(1);

    public void SessionEnded(bool wasRegistered)
    {
        if (wasRegistered)
        {
            _sessions.Add(-1);
        }
    }

    public void ChannelOpened(string kind) => _channels.Add(1, new KeyValuePair<string, object?>("mtatls.agent.kind", kind));

    public void ChannelEnded(string kind) => _channels.Add(-1, new KeyValuePair<string, object?>("mtatls.agent.kind", kind));

    public void ChannelRefused(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("error.type", reason));

    public void ConnectFailed(Exception? failure)
    {
        TagList tags = new() { { "error.type", failure is RegistrationRefusedException ? "refused" : failure?.GetType().FullName ?? "ended" } };
        _failures.Add(1, tags);
    }
}
