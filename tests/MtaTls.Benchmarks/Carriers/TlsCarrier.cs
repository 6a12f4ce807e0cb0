using System.Net;
using System.Net.Security;

namespace MtaTls.Benchmarks.Carriers;

/// <summary>Each stream is a TLS connection (SslStream) with a full handshake.</summary>
internal sealed class TlsCarrier(IPEndPoint server, SslApplicationProtocol protocol) : ICarrier
{
    private readonly SocketCarrier _sockets = new(server);

    public async ValueTask<Stream> OpenAsync(CancellationToken ct)
    {
        var stream = new SslStream(await _sockets.OpenAsync(ct));
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    ApplicationProtocols = [protocol],
                    AllowTlsResume = false,
                    RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null, // self-signed, made for this run
                },
                ct);
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
