using System.Text;
using MtaTls.AspNetCore;
using MtaTls.AspNetCore.Routing;

namespace MtaTls.Fuzz.Targets;

/// <summary>Channel routes: errors are reported, not thrown, and a table without errors accepts every question.</summary>
internal sealed class RoutingTarget : FuzzTarget
{
    public override string Name => "routing";

    public override ValueTask RunAsync(byte[] input, Random random)
    {
        var routes = new List<ChannelRouteOptions>();
        foreach (string line in Encoding.UTF8.GetString(input).Split('\n').Take(50))
        {
            string[] parts = line.Split('|');
            string Part(int i) => i < parts.Length ? parts[i] : "";
            var route = new ChannelRouteOptions { Action = (ChannelRouteAction)(Part(0).Length % 4), Upstream = Part(4).Length > 0 ? Part(4) : null, AllowAnonymous = Part(0).Contains('!', StringComparison.Ordinal) };
            Add(route.Hosts, Part(1));
            Add(route.Ports, Part(2));
            Add(route.AllowedNetworks, Part(3));
            if (Part(5).Length > 0)
            {
                route.ClientCertificate = new ClientCertificateConditionOptions { Subject = Part(6), Issuer = Part(7) };
                Add(route.ClientCertificate.Thumbprints, Part(5));
                Add(route.ClientCertificate.SubjectAlternativeNames, Part(8));
            }
            routes.Add(route);
        }
        var errors = new List<string>();
        var table = ChannelRouteTable.Create(routes, errors);
        if (errors.Count > 0)
        {
            return default;
        }

        foreach (string text in (string[])["app.internal", "127.0.0.1", "::1", "10.1.2.3"])
        {
            if (ChannelHost.TryParse(text, out ChannelHost host))
            {
                _ = table.Find(host, random.Next(65_536), "Public", null);
            }
        }
        return default;
    }

    private static void Add(IList<string> to, string list)
    {
        foreach (string item in list.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            to.Add(item);
        }
    }
}
