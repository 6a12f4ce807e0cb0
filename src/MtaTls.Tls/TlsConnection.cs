using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MtaTls.Tls;

/// <summary>
/// A TLS connection over a transport's pipes. One reader and one writer may use it at the same time. The pipes stay their owner's: nothing
/// here completes them, so after <see cref="DisposeAsync"/> or <see cref="Abort"/> the owner completes or closes the transport.
/// </summary>
public sealed class TlsConnection : IAsyncDisposable
{
    private TlsConnection()
    {
    }

    /// <summary>The negotiated version of TLS.</summary>
    public SslProtocols Protocol { get; }

    /// <summary>The negotiated cipher suite.</summary>
    public TlsCipherSuite CipherSuite { get; }

    /// <summary>The application protocol that ALPN selected; empty when there is none.</summary>
    public ReadOnlyMemory<byte> ApplicationProtocol { get; }

    /// <summary>The peer's certificate; null when it sent none. Disposed with the connection.</summary>
    public X509Certificate2? RemoteCertificate { get; }

    /// <summary>The certificate that this end used; null when it used none. It is the options' or the selector's object.</summary>
    public X509Certificate2? LocalCertificate { get; }

    /// <summary>The server name (SNI) that the client asked for, in lower case; null when it sent none.</summary>
    public string? ServerName { get; }

    /// <summary>Whether both ends agreed on the <c>data_multiplexing</c> extension.</summary>
    public bool DataMultiplexingNegotiated { get; }

    /// <summary>Whether an earlier session was resumed.</summary>
    public bool SessionResumed { get; }

    /// <summary>Handshakes as a server.</summary>
    /// <param name="transport">The transport, positioned at the ClientHello.</param>
    /// <param name="context">The endpoint's context.</param>
    /// <param name="state">Given to <see cref="TlsServerOptions.ServerCertificateSelector"/>.</param>
    /// <param name="cancellationToken">Ends the handshake: the way to limit its time.</param>
    /// <exception cref="AuthenticationException">The handshake failed. The inner exception is a <see cref="TlsAlertException"/> where an alert was sent or received.</exception>
    /// <exception cref="IOException">The transport ended or failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static ValueTask<TlsConnection> AcceptAsync(IDuplexPipe transport, TlsServerContext context, object? state = null, CancellationToken cancellationToken = default)
        => throw new NotImplementedException();

    /// <summary>Handshakes as a client.</summary>
    /// <param name="transport">The transport.</param>
    /// <param name="context">The context of the server.</param>
    /// <param name="cancellationToken">Ends the handshake: the way to limit its time.</param>
    /// <exception cref="AuthenticationException">The handshake failed, the server's certificate was refused included. The inner exception is a <see cref="TlsAlertException"/> where an alert was sent or received.</exception>
    /// <exception cref="IOException">The transport ended or failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static ValueTask<TlsConnection> ConnectAsync(IDuplexPipe transport, TlsClientContext context, CancellationToken cancellationToken = default)
        => throw new NotImplementedException();

    /// <summary>Reads what has been decrypted, straight into the caller's memory; waits while there is nothing.</summary>
    /// <param name="buffer">Where to; not empty.</param>
    /// <param name="cancellationToken">Ends the wait; the connection stays usable.</param>
    /// <returns>At least one octet; 0 once the peer has ended the session in order (<c>close_notify</c>).</returns>
    /// <exception cref="IOException">The transport ended without <c>close_notify</c> (truncation) or failed, or the peer broke TLS.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Room for octets to send; what is advanced is collected into records of up to 16,384 octets.</summary>
    /// <param name="sizeHint">The least length needed; 0: any.</param>
    public Memory<byte> GetMemory(int sizeHint = 0) => throw new NotImplementedException();

    /// <summary>Adds the first octets of the memory that <see cref="GetMemory"/> gave to what is to be sent.</summary>
    /// <param name="count">How many octets.</param>
    public void Advance(int count) => throw new NotImplementedException();

    /// <summary>Encrypts at once, after what was advanced; the data is not copied first.</summary>
    /// <param name="data">The octets to send; each 16,384 of them make a record.</param>
    /// <exception cref="IOException">The session has ended or failed.</exception>
    public void Write(ReadOnlySpan<byte> data) => throw new NotImplementedException();

    /// <summary>Encrypts what was advanced and flushes the transport; waits for its back-pressure.</summary>
    /// <param name="cancellationToken">Ends the wait; what was written stays written.</param>
    /// <exception cref="IOException">The session or the transport has ended or failed.</exception>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Ends sending in order: what was written, then <c>close_notify</c>. Reading goes on until the peer has ended too.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask CompleteAsync(CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>Ends the session at once, without <c>close_notify</c>; reads and flushes that wait fail. The session can't be resumed.</summary>
    /// <param name="reason">The inner exception of what they fail with.</param>
    public void Abort(Exception? reason = null) => throw new NotImplementedException();

    /// <summary>
    /// Makes this TLS session impossible to resume, as the draft requires after a fatal error of a channel (section 3): it is removed from the
    /// cache of either role, and no later ticket is kept.
    /// </summary>
    public void ForbidResumption() => throw new NotImplementedException();

    /// <summary>Frees the session. Call <see cref="CompleteAsync"/> first for an orderly end.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
