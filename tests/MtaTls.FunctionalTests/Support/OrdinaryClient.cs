using System.Security.Cryptography.X509Certificates;

namespace MtaTls.FunctionalTests.Support;

/// <summary>A client without MTA-TLS: HttpClient over SslStream.</summary>
internal static class OrdinaryClient
{
    public static async Task<string> GetAsync(int port, string path = "/", Action<SocketsHttpHandler>? configure = null)
    {
        using SocketsHttpHandler handler = new();
        handler.SslOptions.TargetHost = "localhost";
        handler.SslOptions.CertificateChainPolicy = TestCertificates.TrustRoot();
        configure?.Invoke(handler);
        using HttpClient client = new(handler) { Timeout = Wait.Timeout };
        return await client.GetStringAsync(new Uri($"https://127.0.0.1:{port}{path}"));
    }

    /// <summary>Returns the certificate, and its chain as the server sent it.</summary>
    public static async Task<string[]> CertificatesAsync(int port)
    {
        string[] seen = [];
        await GetAsync(port, configure: handler =>
        {
            handler.SslOptions.CertificateChainPolicy = null;
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                seen = [((X509Certificate2)certificate!).Thumbprint, .. chain!.ChainPolicy.ExtraStore.Select(c => c.Thumbprint)];
                return true;
            };
        });
        return seen;
    }
}
