using System.Globalization;
using MtaTls.Tests.Network;

namespace MtaTls.FunctionalTests.Agents.Processes;

/// <summary>
/// A plant behind NAT, as network namespaces of this host. They need root.
/// <code>
///   [ plant ] 192.168.77.2 ---- 192.168.77.1 [ router: masquerade ] 10.x.y.2 ---- 10.x.y.1 [ this host: the gateway ]
/// </code>
/// The plant drops all incoming connections.
/// </summary>
internal sealed class PlantNetwork : IDisposable
{
    private readonly string _id = Random.Shared.Next(0x10000).ToString("x4", CultureInfo.InvariantCulture);
    private readonly string _network = string.Create(CultureInfo.InvariantCulture, $"10.{Random.Shared.Next(210, 250)}.{Random.Shared.Next(256)}");

    public string Plant => $"mta-{_id}-plant";

    /// <summary>This host's address, where a gateway can listen.</summary>
    public string GatewayAddress => _network + ".1";

    private string Router => $"mta-{_id}-router";

    public static PlantNetwork Create()
    {
        PlantNetwork network = new();
        string? whyNot = NetworkCommands.WhyNot(network.Build);
        if (whyNot is not null)
        {
            network.Dispose();
            Assert.Skip(whyNot);
        }

        return network;
    }

    /// <summary>What the plant listens on, as ss says; empty: nothing.</summary>
    public string Listeners() => NetworkCommands.In(Plant, "ss", "-H", "-ltun");

    /// <summary>Every packet between plant and gateway is dropped without a word.</summary>
    public void Drop() => NetworkCommands.Nft(Router, "add table inet hole; add chain inet hole f { type filter hook forward priority 0 ; policy drop ; }");

    public void Mend() => NetworkCommands.Nft(Router, "delete table inet hole");

    public void Dispose() => Array.ForEach([Plant, Router], NetworkCommands.Delete);

    private void Build()
    {
        Array.ForEach([Plant, Router], NetworkCommands.Add);
        NetworkCommands.LinkToHost($"mta{_id}", $"{GatewayAddress}/30", (Router, "wan", $"{_network}.2/30"));
        NetworkCommands.Link((Router, "lan", "192.168.77.1/24"), (Plant, "eth0", "192.168.77.2/24"));
        NetworkCommands.Ip($"-n {Plant} route add default via 192.168.77.1");
        NetworkCommands.Write(Router, "ipv4/ip_forward", 1);
        NetworkCommands.Nft(Router, "add table ip nat; add chain ip nat p { type nat hook postrouting priority 100 ; } ; add rule ip nat p oifname wan masquerade");
        NetworkCommands.Nft(
            Plant, "add table inet f; add chain inet f i { type filter hook input priority 0 ; policy drop ; } ; add rule inet f i iif lo accept; add rule inet f i ct state established,related accept");
    }
}
