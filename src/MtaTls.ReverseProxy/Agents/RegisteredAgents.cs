namespace MtaTls.ReverseProxy.Agents;

/// <summary>Gives applications access to the registry.</summary>
internal sealed class RegisteredAgents(AgentRegistry registry, TimeProvider time) : IMtaTlsAgents
{
    public IReadOnlyList<MtaTlsAgentInfo> List() =>
    [
        .. registry.All.Where(static r => r.IsAnnounced).Select(static r => new MtaTlsAgentInfo(
            r.Id, r.Agent, r.Identity.ToString(), r.Session.SessionId, [.. r.Names.Select(static n => n.ToString())], r.Weight, r.Since, r.ActiveChannels, r.TotalChannels, r.IsDraining,
            r.Node, !r.Session.Session.IsSuspected)),
    ];

    public async ValueTask<bool> DrainAsync(string id, TimeSpan deadline)
    {
        ArgumentNullException.ThrowIfNull(id);
        ArgumentOutOfRangeException.ThrowIfLessThan(deadline, TimeSpan.Zero);
        if (registry.Find(id) is not { } registration)
        {
            return false;
        }

        await registry.DrainAsync(registration, time);
        registration.RequestDrain(deadline);
        return true;
    }

    public bool End(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        if (registry.Find(id) is not { } registration)
        {
            return false;
        }

        registry.End(registration, "the gateway has ended it");
        registration.Abort("The gateway has ended the agent's session.");
        return true;
    }
}
