using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MtaTls.AspNetCore.Endpoints;

/// <summary>An endpoint that speaks MTA-TLS.</summary>
internal readonly record struct BoundEndpoint(ListenOptions Endpoint, EndpointSettings Settings);
