using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Client;

/// <summary>Chooses the factory for each cluster: channels if the cluster names a gateway, otherwise the factory that the application had before.</summary>
internal sealed class ClusterHttpClientFactory(IForwarderHttpClientFactory direct, ChannelHttpClientFactory channels) : ChoosingHttpClientFactory(MtaTlsMetadata.Gateway, channels, direct);
