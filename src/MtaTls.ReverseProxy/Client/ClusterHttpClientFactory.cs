using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Client;

/// <summary>Asks for each cluster the factory that is for it: channels where the cluster names a gateway, what the application had before where it does not.</summary>
internal sealed class ClusterHttpClientFactory(IForwarderHttpClientFactory direct, ChannelHttpClientFactory channels) : IForwarderHttpClientFactory
{
    public HttpMessageInvoker CreateClient(ForwarderHttpClientContext context)
    {
        bool usesGateway = UsesGateway(context.NewMetadata);
        if (context.OldClient is not null && UsesGateway(context.OldMetadata) != usesGateway)
        {
            // Neither factory looks at what makes the old client useless to it.
            context = new ForwarderHttpClientContext { ClusterId = context.ClusterId, NewConfig = context.NewConfig, NewMetadata = context.NewMetadata };
        }

        return (usesGateway ? channels : direct).CreateClient(context);
    }

    private static bool UsesGateway(IReadOnlyDictionary<string, string>? metadata) => metadata?.ContainsKey(MtaTlsMetadata.Gateway) is true;
}
