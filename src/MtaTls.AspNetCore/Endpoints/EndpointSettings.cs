using Microsoft.AspNetCore.Server.Kestrel.Https;
using MtaTls.AspNetCore.Certificates;
using MtaTls.AspNetCore.Routing;
using MtaTls.Configuration;
using MtaTls.Tls;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>What is settled about an endpoint when the server binds it.</summary>
/// <param name="Name">Its name in <c>MtaTls:Endpoints</c> or given in code; null where it has none.</param>
/// <param name="Mode">Allowed or Required.</param>
/// <param name="Dispatch">When a channel is given to the application.</param>
/// <param name="Https">The endpoint's own HTTPS settings.</param>
/// <param name="Certificate">Where the certificate comes from, if not from <paramref name="Https"/>.</param>
/// <param name="Authorities">Whose client certificates count, if not those of the machine's authorities.</param>
/// <param name="Peers">Set where this is the endpoint of other gateways.</param>
internal sealed record EndpointSettings(
    string? Name, DataMultiplexingMode Mode, MtaTlsDispatch Dispatch, HttpsConnectionAdapterOptions Https, ICertificateSource? Certificate, ClientAuthorities? Authorities = null, IPeerEndpoint? Peers = null);
