using System.Globalization;
using MtaTls.ReverseProxy.Cluster;

namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>The text of a node in Redis: <c>epoch|advertise|state</c>.</summary>
internal static class NodeText
{
    private const string Serving = "serving";
    private const string Draining = "draining";

    public static string Format(MtaTlsNode node) => string.Create(CultureInfo.InvariantCulture, $"{node.Epoch}|{node.Advertise.AbsoluteUri}|{(node.IsDraining ? Draining : Serving)}");

    /// <summary>Parses a node. Only the exact format is accepted.</summary>
    public static MtaTlsNode? Parse(string name, string? text)
    {
        string[] fields = text is { Length: <= 400 } ? text.Split('|') : [];
        return fields.Length == 3
            && long.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out long epoch) && epoch > 0
            && ClusterPlan.TryParseAdvertise(fields[1], out Uri advertise)
            && fields[2] is Serving or Draining
            ? new MtaTlsNode(name, epoch, advertise, fields[2] == Draining)
            : null;
    }
}
