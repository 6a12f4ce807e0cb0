using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using MtaTls.Tls;

namespace MtaTls.AspNetCore;

/// <summary>ASP.NET Core's TLS features of a session, which all its channels share.</summary>
internal sealed class TlsFeature(TlsConnection tls) : ITlsConnectionFeature, ITlsHandshakeFeature, ITlsApplicationProtocolFeature
{
    public X509Certificate2? ClientCertificate { get; set; } = tls.RemoteCertificate;

    public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult(ClientCertificate);

    public ReadOnlyMemory<byte> ApplicationProtocol { get; } = tls.ApplicationProtocol;

    public SslProtocols Protocol { get; } = tls.Protocol;

    public TlsCipherSuite? NegotiatedCipherSuite { get; } = tls.CipherSuite;

    public string HostName { get; } = tls.ServerName ?? "";

    // Obsolete, and unable to name all suites; NegotiatedCipherSuite replaces these six.
#pragma warning disable SYSLIB0058
    public CipherAlgorithmType CipherAlgorithm => CipherAlgorithmType.None;

    public int CipherStrength => 0;

    public HashAlgorithmType HashAlgorithm => HashAlgorithmType.None;

    public int HashStrength => 0;

    public ExchangeAlgorithmType KeyExchangeAlgorithm => ExchangeAlgorithmType.None;

    public int KeyExchangeStrength => 0;
#pragma warning restore SYSLIB0058
}
