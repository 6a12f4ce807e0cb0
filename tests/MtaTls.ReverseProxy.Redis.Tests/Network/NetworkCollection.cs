namespace MtaTls.ReverseProxy.Redis.Tests.Network;

/// <summary>Three gateways as processes need the machine; they run one after another.</summary>
[CollectionDefinition(Name)]
public sealed class NetworkCollection
{
    public const string Name = "network";
}
