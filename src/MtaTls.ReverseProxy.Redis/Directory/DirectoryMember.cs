using System.Globalization;
using MtaTls.ReverseProxy.Agents;
using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>A member of a name in Redis: <c>node|epoch|registration|weight|agent</c>. It is valid while its node is alive with the same epoch.</summary>
/// <param name="Agent">The agent.</param>
/// <param name="Epoch">The node's epoch when the node announced the agent.</param>
internal readonly record struct DirectoryMember(AgentMember Agent, long Epoch)
{
    private const int Fields = 5;
    private const int MaxLength = 64 + 20 + 64 + 2 + 64 + Fields;

    /// <summary>The text of a member in Redis.</summary>
    public static string Format(AgentMember member, long epoch) => string.Create(CultureInfo.InvariantCulture, $"{member.Node}|{epoch}|{member.Id}|{member.Weight}|{member.Agent}");

    /// <summary>Parses a member. Redis may contain anything, so only the exact format is accepted.</summary>
    public static bool TryParse(string name, string? text, out DirectoryMember member)
    {
        member = default;
        if (text is null || text.Length > MaxLength)
        {
            return false;
        }

        string[] fields = text.Split('|');
        if (fields.Length != Fields || !ClusterPlan.IsNode(fields[0]) || !ClusterPlan.IsNode(fields[2]) || !ClusterPlan.IsNode(fields[4])
            || !long.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out long epoch) || epoch <= 0
            || !int.TryParse(fields[3], NumberStyles.None, CultureInfo.InvariantCulture, out int weight) || weight is < 1 or > 16)
        {
            return false;
        }

        member = new DirectoryMember(new AgentMember(name, fields[0], fields[2], fields[4], weight), epoch);
        return true;
    }
}
