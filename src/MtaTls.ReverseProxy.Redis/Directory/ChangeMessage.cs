using MtaTls.Agents;
using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The messages between nodes. <c>node|n</c>: the node itself has changed. <c>node|a|name|name...</c>: the node's members of these names have changed.</summary>
internal static class ChangeMessage
{
    /// <summary>The most names in one message.</summary>
    public const int MaxNames = 100;

    private const int MaxLength = MaxNames * 260 + 100;

    public static string OfNode(string node) => $"{node}|n";

    public static string OfNames(string node, IEnumerable<string> names) => $"{node}|a|{string.Join('|', names)}";

    /// <summary>Parses a message. It checks the names, because every client of Redis that may publish can send anything.</summary>
    public static bool TryParse(string? text, out string node, out IReadOnlyList<string> names)
    {
        (node, names) = ("", []);
        if (text is null || text.Length > MaxLength)
        {
            return false;
        }

        string[] fields = text.Split('|');
        if (fields.Length < 2 || !ClusterPlan.IsNode(fields[0]))
        {
            return false;
        }

        node = fields[0];
        if (fields[1] == "n")
        {
            return fields.Length == 2;
        }

        if (fields[1] != "a" || fields.Length < 3 || fields.Length > MaxNames + 2 || !fields.Skip(2).All(static name => AgentProtocol.TryParseName(name, out AgentName parsed) && parsed.ToString() == name))
        {
            return false;
        }

        names = fields[2..];
        return true;
    }
}
