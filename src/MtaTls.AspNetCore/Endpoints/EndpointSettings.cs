using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.AspNetCore.Certificates;
using MtaTls.AspNetCore.Routing;
using MtaTls.Configuration;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>The settings of an endpoint, final when the server binds it.</summary>
/// <param name="Name">Its name in <c>MtaTls:Endpoints</c> or given in code; null if it has none.</param>
/// <param name="Mode">Allowed or Required.</param>
/// <param name="Dispatch">When a channel is given to the application.</param>
/// <param name="Https">The endpoint's own HTTPS settings.</param>
/// <param name="Certificate">The source of the certificate; null if it comes from <paramref name="Https"/>.</param>
/// <param name="Authorities">The authorities of client certificates; null for the machine's authorities.</param>
/// <param name="Peers">Set if this is the endpoint of other gateways.</param>
internal sealed record EndpointSettings(
    string? Name, DataMultiplexingMode Mode, MtaTlsDispatch Dispatch, HttpsConnectionAdapterOptions Https, ICertificateSource? Certificate, ClientAuthorities? Authorities = null, IPeerEndpoint? Peers = null);
