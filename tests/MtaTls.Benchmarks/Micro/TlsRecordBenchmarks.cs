using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using BenchmarkDotNet.Attributes;
using MtaTls.Tls;

namespace MtaTls.Benchmarks.Micro;

/// <summary>
/// One TLS record that one end writes and flushes and the other reads, over in-memory pipes. This measures OpenSSL, P/Invoke, BIO and pipes at both ends, without
/// sockets and thread switches.
/// </summary>
public class TlsRecordBenchmarks
{
    private TlsConnection _server = null!;
    private TlsConnection _client = null!;
    private byte[] _data = null!;
    private byte[] _received = null!;

    [Params(256, 4096, 16384)]
    public int Length { get; set; }

    [GlobalSetup]
    public async Task SetupAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        X509Certificate2 certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        (System.IO.Pipelines.IDuplexPipe? near, System.IO.Pipelines.IDuplexPipe? far) = DuplexPipePair.Create();
        Task<TlsConnection> accepting = TlsConnection.AcceptAsync(far, new TlsServerContext(new() { ServerCertificate = certificate })).AsTask();
        Task<TlsConnection> connecting = TlsConnection.ConnectAsync(near, new TlsClientContext(new() { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, presented, _, _) => presented is not null })).AsTask();
        (_server, _client) = (await accepting, await connecting);
        _data = RandomNumberGenerator.GetBytes(Length);
        _received = new byte[Length];
    }

    [Benchmark]
    public async ValueTask<int> WriteAndRead()
    {
        _server.Write(_data);
        await _server.FlushAsync();
        int read = 0;
        while (read < Length)
        {
            read += await _client.ReadAsync(_received.AsMemory(read));
        }

        return read;
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }
}
