using Aspire.Hosting.ApplicationModel;

namespace MtaTls.Aspire.Hosting;

/// <summary>An app's reference to a gateway: the next one takes the next places in the lists of its settings.</summary>
/// <param name="Names">How many names the reference gives.</param>
internal sealed record GatewayReferenceAnnotation(int Names) : IResourceAnnotation;
