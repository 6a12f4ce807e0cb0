using Aspire.Hosting.ApplicationModel;

namespace MtaTls.Aspire.Hosting;

/// <summary>An app's reference to a gateway. It is counted, so that the next reference uses the next indexes in the lists of the app's settings.</summary>
/// <param name="Names">The number of names that the reference sets.</param>
internal sealed record GatewayReferenceAnnotation(int Names) : IResourceAnnotation;
