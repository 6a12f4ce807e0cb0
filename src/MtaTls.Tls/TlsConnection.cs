using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MtaTls.Protocol;
using MtaTls.Tls.Handshakes;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls;

/// <summary>
/// A TLS connection over a transport's pipes. One reader and one writer can use it at the same time. The connection does not complete the pipes:
/// after <see cref="DisposeAsync"/> or <see cref="Abort"/> their owner completes or closes the transport.
/// </summary>
internal sealed class TlsConnection : IMtaTlsTransport
{
    private const int MaxRecordLength = 16_384;

    private SslPump _pump = null!;

    // Plaintext that is not encrypted yet. The array is rented only while there is some.
    private byte[]? _plaintext;
    private int _plaintextLength;

    internal TlsConnection()
    {
    }

    /// <summary>The negotiated version of TLS.</summary>
    public SslProtocols Protocol { get; private set; }

    /// <summary>The negotiated cipher suite.</summary>
    public TlsCipherSuite CipherSuite { get; private set; }

    /// <summary>The application protocol that ALPN selected; empty when there is none.</summary>
    public ReadOnlyMemory<byte> ApplicationProtocol { get; private set; }

    /// <summary>The peer's certificate; null when it sent none. The caller disposes it.</summary>
    public X509Certificate2? RemoteCertificate { get; private set; }

    /// <summary>The other certificates that the peer sent, in its order. They are not all verified. Empty when it sent none.</summary>
    public X509Certificate2Collection RemoteCertificates { get; private set; } = [];

    /// <summary>The certificate that this end used: the object of the options or of the selector; null when it used none.</summary>
    public X509Certificate2? LocalCertificate { get; private set; }

    /// <summary>The server name (SNI) that the client asked for, in lower case; null when it sent none.</summary>
    public string? ServerName { get; internal init; }

    /// <summary>Whether both ends agreed on the <c>data_multiplexing</c> extension.</summary>
    public bool DataMultiplexingNegotiated { get; private set; }

    /// <summary>Whether an earlier session was resumed.</summary>
    public bool SessionResumed { get; private set; }

    /// <summary>Runs the TLS handshake as a server.</summary>
    /// <param name="transport">The transport, positioned at the ClientHello.</param>
    /// <param name="context">The endpoint's context.</param>
    /// <param name="state">The argument for <see cref="TlsServerOptions.ServerCertificateSelector"/>.</param>
    /// <param name="cancellationToken">Ends the handshake. Use it to limit its time.</param>
    /// <exception cref="AuthenticationException">The handshake failed. The inner exception is a <see cref="TlsAlertException"/> when an alert was sent or received.</exception>
    /// <exception cref="IOException">The transport ended or failed.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public static ValueTask<TlsConnection> AcceptAsync(IDuplexPipe transport, TlsServerContext context, object? state = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transport);
        ArgumentNullException.ThrowIfNull(context);
        return ServerHandshake.AcceptAsync(transport, context, null, default, state, cancellationToken);
    }

    /// <summary>Runs the TLS handshake as a server, with a client whose ClientHello was read before.</summary>
    /// <param name="transport">The transport, positioned after <paramref name="received"/>.</param>
    /// <param name="context">The endpoint's context.</param>
    /// <param name="clientHello">The result of <see cref="ClientHelloReader"/> with the context's extension type; null when it was not read yet.</param>
    /// <param name="received">The bytes that were taken from the transport already, beginning with the ClientHello; empty when they are still in the transport.</param>
    /// <param name="state">The argument for <see cref="TlsServerOptions.ServerCertificateSelector"/>.</param>
    /// <param name="cancellationToken">Ends the handshake. Use it to limit its time.</param>
    /// <exception cref="AuthenticationException">The handshake failed. The inner exception is a <see cref="TlsAlertException"/> when an alert was sent or received.</exception>
    /// <exception cref="IOException">The transport ended or failed.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public static ValueTask<TlsConnection> AcceptAsync(
        IDuplexPipe transport, TlsServerContext context, ClientHelloInfo? clientHello, ReadOnlyMemory<byte> received, object? state, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transport);
        ArgumentNullException.ThrowIfNull(context);
        return ServerHandshake.AcceptAsync(transport, context, clientHello, received, state, cancellationToken);
    }

    /// <summary>Runs the TLS handshake as a client.</summary>
    /// <param name="transport">The transport.</param>
    /// <param name="context">The context of the server.</param>
    /// <param name="cancellationToken">Ends the handshake. Use it to limit its time.</param>
    /// <exception cref="AuthenticationException">The handshake failed, for example because the server's certificate was refused. The inner exception is a <see cref="TlsAlertException"/> when an alert was sent or received.</exception>
    /// <exception cref="IOException">The transport ended or failed.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public static ValueTask<TlsConnection> ConnectAsync(IDuplexPipe transport, TlsClientContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(transport);
        ArgumentNullException.ThrowIfNull(context);
        return ClientHandshake.ConnectAsync(transport, context, cancellationToken);
    }

    /// <summary>Decrypts data directly into the caller's memory. Waits while there is none.</summary>
    /// <param name="buffer">The memory for the data; not empty.</param>
    /// <param name="cancellationToken">Ends the wait; the connection stays usable.</param>
    /// <returns>The number of bytes read, at least 1; 0 after the peer has ended the session in order (<c>close_notify</c>).</returns>
    /// <exception cref="IOException">
    /// The transport ended without <c>close_notify</c> (truncation: an <see cref="EndOfStreamException"/> is among the inner exceptions) or failed, or the peer broke a rule of TLS.
    /// </exception>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            throw new ArgumentException("The buffer must not be empty, because 0 bytes read means the end.", nameof(buffer));
        }

        return _pump.ReadAsync(buffer, cancellationToken);
    }

    /// <summary>Returns memory for bytes to send. The advanced bytes are collected into records of up to 16,384 bytes.</summary>
    /// <param name="sizeHint">The fewest bytes that the memory must have; 0 for any number.</param>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (_plaintext is not null && _plaintext.Length - _plaintextLength < Math.Max(sizeHint, 1))
        {
            EncryptAdvanced();
            if (_plaintext.Length < sizeHint)
            {
                ReturnPlaintext();
            }
        }

        _plaintext ??= ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, MaxRecordLength));
        return _plaintext.AsMemory(_plaintextLength);
    }

    /// <summary>Adds the first bytes of the memory of <see cref="GetMemory"/> to the data to send.</summary>
    /// <param name="count">The number of bytes.</param>
    public void Advance(int count)
    {
        int room = _plaintext is null ? 0 : _plaintext.Length - _plaintextLength;
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, room);
        _plaintextLength += count;
    }

    /// <summary>Encrypts data at once, after the advanced bytes, without copying it first.</summary>
    /// <param name="data">The bytes to send. Each 16,384 bytes make a record.</param>
    /// <exception cref="IOException">The session has ended or failed.</exception>
    public void Write(ReadOnlySpan<byte> data)
    {
        EncryptAdvanced();
        _pump.Write(data);
    }

    /// <summary>Encrypts the advanced bytes and flushes the transport. Waits for its backpressure.</summary>
    /// <param name="cancellationToken">Ends the wait. The written bytes are still sent later.</param>
    /// <exception cref="IOException">The session or the transport has ended or failed.</exception>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            EncryptAdvanced();
            ReturnPlaintext();
            return _pump.FlushAsync(cancellationToken);
        }
        catch (Exception e)
        {
            return ValueTask.FromException(e);
        }
    }

    /// <summary>Ends sending in order: sends all written bytes, then <c>close_notify</c>. Reading is possible until the peer has ended too.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    public ValueTask CompleteAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            EncryptAdvanced();
            ReturnPlaintext();
            return _pump.CloseAsync(cancellationToken);
        }
        catch (Exception e)
        {
            return ValueTask.FromException(e);
        }
    }

    /// <summary>Ends the session at once, without <c>close_notify</c>. Pending reads and flushes fail. The session cannot be resumed.</summary>
    /// <param name="reason">The inner exception of their failure.</param>
    public void Abort(Exception? reason = null) => _pump.Abort(reason);

    /// <summary>
    /// Prevents the resumption of this TLS session, as the draft requires after a fatal error of a channel (section 3). The session is removed from the
    /// context's cache, and later tickets are not kept.
    /// </summary>
    public void ForbidResumption() => _pump.ForbidResumption();

    /// <summary>Frees the session. Call <see cref="CompleteAsync"/> first for an orderly end.</summary>
    public ValueTask DisposeAsync()
    {
        _pump.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Takes over the pump after the handshake, and stores what was negotiated.</summary>
    internal void Complete(SslPump pump)
    {
        _pump = pump;
        pump.Call(ssl =>
        {
            SessionResumed = LibSsl.SSL_session_reused(ssl) == 1;
            Protocol = LibSsl.SSL_version(ssl) == LibSsl.Tls13 ? SslProtocols.Tls13 : SslProtocols.Tls12;
            CipherSuite = (TlsCipherSuite)LibSsl.SSL_CIPHER_get_protocol_id(LibSsl.SSL_get_current_cipher(ssl));
            ApplicationProtocol = SelectedProtocol(ssl);
        });
        pump.Role.HandshakeDone(SessionResumed);
        DataMultiplexingNegotiated = pump.Role.Negotiated;
        RemoteCertificate = pump.Role.Peer?.Certificate;
        RemoteCertificates = pump.Role.Peer?.Others ?? [];
        LocalCertificate = pump.Role.LocalCertificate;
    }

    private static unsafe byte[] SelectedProtocol(nint ssl)
    {
        byte* name;
        uint length;
        LibSsl.SSL_get0_alpn_selected(ssl, &name, &length);
        return new ReadOnlySpan<byte>(name, (int)length).ToArray();
    }

    private void EncryptAdvanced()
    {
        if (_plaintextLength > 0)
        {
            int length = _plaintextLength;
            _plaintextLength = 0;
            _pump.Write(_plaintext.AsSpan(0, length));
        }
    }

    private void ReturnPlaintext()
    {
        if (_plaintext is { } plaintext)
        {
            _plaintext = null;
            ArrayPool<byte>.Shared.Return(plaintext);
        }
    }
}
