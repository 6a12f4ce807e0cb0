using Yarp.ReverseProxy.Forwarder;

namespace MtaTls.ReverseProxy.Client;

/// <summary>Chooses a factory for each cluster: one for clusters with a certain metadata key, another for the others.</summary>
/// <param name="key">The metadata key.</param>
/// <param name="chosen">Makes the clients of clusters with the key.</param>
/// <param name="others">Makes the clients of all other clusters.</param>
internal abstract class ChoosingHttpClientFactory(string key, IForwarderHttpClientFactory chosen, IForwarderHttpClientFactory others) : IForwarderHttpClientFactory
{
    public HttpMessageInvoker CreateClient(ForwarderHttpClientContext context)
    {
        bool isChosen = HasKey(context.NewMetadata);
        if (context.OldClient is not null && HasKey(context.OldMetadata) != isChosen)
        {
            // Neither factory notices that the other one made the old client, so the old client must not be reused.
            context = new ForwarderHttpClientContext { ClusterId = context.ClusterId, NewConfig = context.NewConfig, NewMetadata = context.NewMetadata };
        }

        return (isChosen ? chosen : others).CreateClient(context);
    }

    private bool HasKey(IReadOnlyDictionary<string, string>? metadata) => metadata?.ContainsKey(key) is true;
}
