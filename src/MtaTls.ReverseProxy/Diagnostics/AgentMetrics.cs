using System.Diagnostics.Metrics;

namespace MtaTls.ReverseProxy.Diagnostics;

/// <summary>The meter <c>MtaTls.Agents</c>: a gateway's agents.</summary>
internal sealed class AgentMetrics
{
    public const string MeterName = "MtaTls.Agents";

    private readonly UpDownCounter<long> _registrations;
    private readonly UpDownCounter<long> _waiting;
    private readonly Counter<long> _opens;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _unserved;
    private readonly Counter<long> _retried;

    public AgentMetrics(IMeterFactory meters)
    {
        Meter meter = meters.Create(MeterName);
        _registrations = meter.CreateUpDownCounter<long>("mtatls.agents.active_registrations", "{registration}", "Registered sessions of agents.");
        _waiting = meter.CreateUpDownCounter<long>("mtatls.agents.waiting_requests", "{request}", "Requests that wait for an agent.");
        _opens = meter.CreateCounter<long>("mtatls.agents.opens", "{channel}", "Attempts to open a channel to an agent. error.type is set if the attempt failed.");
        _refused = meter.CreateCounter<long>("mtatls.agents.refused_names", "{name}", "Names and registrations that were refused.");
        _unserved = meter.CreateCounter<long>("mtatls.agents.unserved_requests", "{request}", "Requests that were answered 503.");
        _retried = meter.CreateCounter<long>("mtatls.agents.requests.retried", "{request}", "Requests that were sent to another agent.");
    }

    public void Registered(int change) => _registrations.Add(change);

    public void Waiting(int change) => _waiting.Add(change);

    public void Opened(string? error)
    {
        if (error is null)
        {
            _opens.Add(1);
        }
        else
        {
            _opens.Add(1, new KeyValuePair<string, object?>("error.type", error));
        }
    }

    public void Refused(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("error.type", reason));

    public void Unserved(string reason) => _unserved.Add(1, new KeyValuePair<string, object?>("error.type", reason));

    public void Retried() => _retried.Add(1);
}
