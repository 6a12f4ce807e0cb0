using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Client.Http;

/// <summary>
/// The stream that ConnectCallback returns to <see cref="SocketsHttpHandler"/> for an <c>https://</c> connection. If the handler gets an SslStream, it does no TLS handshake and
/// reads only the selected application protocol from the stream. PlaintextStreamFilter then replaces the stream by the channel, which carries the bytes.
/// </summary>
/// <remarks>
/// The stream was authenticated against another SslStream in memory, with a certificate that exists in memory only, so that nothing of it is ever sent. The session has verified the
/// endpoint's certificate. One stream serves any number of channels, one after another; if a handler disposes it, only the attached channel is closed.
/// </remarks>
internal sealed class ChannelSslStream : SslStream
{
    private const string Name = "channel.invalid";
    private static readonly Lazy<X509Certificate2> s_certificate = new(CreateCertificate);

    private readonly ChannelSslStreamPool _pool;
    private MtaTlsClientChannel? _channel;

    private ChannelSslStream(Stream inner, ChannelSslStreamPool pool) : base(inner) => _pool = pool;

    /// <summary>Creates a stream for which ALPN has selected <paramref name="protocol"/>.</summary>
    public static async Task<ChannelSslStream> CreateAsync(SslApplicationProtocol protocol, ChannelSslStreamPool pool)
    {
        Pipe up = new(), down = new();
        await using var server = new SslStream(new DuplexStream(up.Reader.AsStream(), down.Writer.AsStream()));
        var client = new ChannelSslStream(new DuplexStream(down.Reader.AsStream(), up.Writer.AsStream()), pool);
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true };
        trust.CustomTrustStore.Add(s_certificate.Value);
        Task accepted = server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = s_certificate.Value, ApplicationProtocols = [protocol] });
        await client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = Name, ApplicationProtocols = [protocol], CertificateChainPolicy = trust }).ConfigureAwait(false);
        await accepted.ConfigureAwait(false);
        return client;
    }

    /// <summary>Attaches a channel, which the filter detaches.</summary>
    public void Attach(MtaTlsClientChannel channel) => _channel = channel;

    /// <summary>Detaches the channel and returns the stream to the pool.</summary>
    public MtaTlsClientChannel Detach()
    {
        MtaTlsClientChannel channel = Interlocked.Exchange(ref _channel, null) ?? throw new ObjectDisposedException(nameof(MtaTlsClientChannel));
        _pool.Return(this);
        return channel;
    }

#pragma warning disable CA2215 // The stream is used again for other channels.
    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _channel, null) is not { } channel)
        {
            return;
        }

        await channel.DisposeAsync().ConfigureAwait(false);
        _pool.Return(this);
    }

    protected override void Dispose(bool disposing)
#pragma warning restore CA2215
    {
        if (!disposing || Interlocked.Exchange(ref _channel, null) is not { } channel)
        {
            return;
        }

        channel.Dispose();
        _pool.Return(this);
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + Name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Name);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(1000));
    }

    /// <summary>One end of an in-memory connection.</summary>
    private sealed class DuplexStream(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

        public override void Flush() => output.Flush();

        public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
