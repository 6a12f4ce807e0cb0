using System.Security.Cryptography.X509Certificates;
using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>An endpoint that the server listens on.</summary>
/// <param name="Address">Its address, such as <c>https://127.0.0.1:8443</c>.</param>
/// <param name="Name">Its name in <c>MtaTls:Endpoints</c> or <c>Kestrel:Endpoints</c>, or the one given in code; null if it has none.</param>
/// <param name="Mode">Whether MTA-TLS is allowed or required; <see cref="DataMultiplexingMode.Disabled"/> if the endpoint does not speak it.</param>
/// <param name="Obstacle">The reason why the endpoint does not speak MTA-TLS; null if it does.</param>
/// <param name="Certificate">The certificate that the next handshake uses; null if a callback chooses it per connection, or if the endpoint does not speak MTA-TLS.</param>
public sealed record MtaTlsEndpointInfo(string Address, string? Name, DataMultiplexingMode Mode, string? Obstacle, X509Certificate2? Certificate);
