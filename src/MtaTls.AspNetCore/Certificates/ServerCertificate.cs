using System.Security.Cryptography.X509Certificates;

namespace MtaTls.AspNetCore.Certificates;

/// <summary>A certificate with its private key, and the intermediates that are sent with it.</summary>
internal sealed record ServerCertificate(X509Certificate2 Certificate, X509Certificate2Collection Chain);
