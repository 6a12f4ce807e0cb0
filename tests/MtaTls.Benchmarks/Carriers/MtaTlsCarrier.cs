using System.Net;
using System.Net.Security;
using MtaTls.Client;

namespace MtaTls.Benchmarks.Carriers;

/// <summary>Each stream is a channel of one MTA-TLS session. MtaTls.Client opens it with default options.</summary>
internal sealed class MtaTlsCarrier : ICarrier
{
    private readonly MtaTlsClient _client;
    private readonly IPEndPoint _server;

    private MtaTlsCarrier(MtaTlsClient client, IPEndPoint server)
    {
        _client = client;
        _server = server;
    }

    public static async ValueTask<MtaTlsCarrier> ConnectAsync(IPEndPoint server, SslApplicationProtocol protocol, CancellationToken ct)
    {
        var options = new MtaTlsClientOptions
        {
            Host = server.Address.ToString(),
            Port = server.Port,
            TargetHost = "localhost",
            Mode = MtaTlsClientMode.Required,
            ApplicationProtocols = [protocol],
            MaxSessions = 1, // one session is measured
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null, // self-signed, made for this run
        };
        return new(await MtaTlsClient.ConnectAsync(options, ct), server);
    }

    public async ValueTask<Stream> OpenAsync(CancellationToken ct) => await _client.OpenChannelAsync("localhost", _server.Port, ct);

    public ValueTask DisposeAsync() => _client.DisposeAsync();
}
