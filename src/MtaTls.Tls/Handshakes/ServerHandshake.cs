using System.Buffers;
using System.IO.Pipelines;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MtaTls.Tls.Certificates;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Handshakes;

/// <summary>Runs TLS handshakes as a server. It reads the ClientHello and selects the certificate before it calls OpenSSL.</summary>
internal static class ServerHandshake
{
    public static async ValueTask<TlsConnection> AcceptAsync(
        IDuplexPipe transport, TlsServerContext context, ClientHelloInfo? read, ReadOnlyMemory<byte> received, object? state, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(context.Native.IsClosed, context);
        ClientHelloInfo hello = read ?? await ReadClientHelloAsync(transport, received, context.Options, cancellationToken).ConfigureAwait(false);
        if (context.Options.Mode == DataMultiplexingMode.Required && !hello.OffersExtension)
        {
            // OpenSSL cannot do this: before it has chosen a version, it would send the alert of TLS 1.2 also to clients of TLS 1.3.
            SslProtocols common = hello.Protocols & MachinePolicy.Current.Choose(context.Options.EnabledSslProtocols, null).Versions;
            TlsAlert alert = (common & SslProtocols.Tls13) != 0 ? TlsAlert.MissingExtension : TlsAlert.HandshakeFailure;
            throw await RefuseAsync(transport, alert, "The client does not offer the data_multiplexing extension, which this endpoint requires.", null, cancellationToken).ConfigureAwait(false);
        }

        X509Certificate2? certificate;
        SslHandle? ssl;
        try
        {
            certificate = context.SelectCertificate(state, hello.SentServerName);
            ssl = certificate is null ? null : MakeSsl(context, hello, context.Certificates.Get(certificate));
        }
        catch (Exception e)
        {
            throw await RefuseAsync(transport, TlsAlert.InternalError, "The server's certificate could not be selected or used.", e, cancellationToken).ConfigureAwait(false);
        }

        if (certificate is null || ssl is null)
        {
            throw await RefuseAsync(transport, TlsAlert.UnrecognizedName, "The certificate selector returned no certificate for this server name.", null, cancellationToken).ConfigureAwait(false);
        }

        var role = new ServerRole(context, hello, certificate);
        var pump = new SslPump(ssl, role, transport, received);
        try
        {
            await pump.HandshakeAsync(cancellationToken).ConfigureAwait(false);
            var connection = new TlsConnection { ServerName = hello.ServerName };
            connection.Complete(pump);
            return connection;
        }
        catch
        {
            pump.Dispose();
            throw;
        }
    }

    private static SslHandle MakeSsl(TlsServerContext context, ClientHelloInfo hello, CertificateContext certificateContext)
    {
        var handle = new SslHandle(context.Native);
        try
        {
            nint ssl = handle.DangerousGetHandle();
            certificateContext.Use(ssl);
            SetSessionScope(ssl, context, hello, certificateContext);
            LibSsl.SSL_set_accept_state(ssl);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A session is resumed only on the same endpoint, with the same certificate and for the same server name.</summary>
    private static unsafe void SetSessionScope(nint ssl, TlsServerContext context, ClientHelloInfo hello, CertificateContext certificateContext)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(context.Id);
        hash.AppendData(certificateContext.Hash);
        hash.AppendData(Encoding.ASCII.GetBytes(hello.ServerName ?? ""));
        Span<byte> scope = stackalloc byte[SHA256.HashSizeInBytes];
        _ = hash.GetHashAndReset(scope);
        fixed (byte* start = scope)
        {
            OpenSslErrors.ThrowIf(LibSsl.SSL_set_session_id_context(ssl, start, (uint)scope.Length) != 1, "SSL_set_session_id_context");
        }
    }

    private static async ValueTask<ClientHelloInfo> ReadClientHelloAsync(
        IDuplexPipe transport, ReadOnlyMemory<byte> received, TlsServerOptions options, CancellationToken cancellationToken)
    {
        if (!received.IsEmpty)
        {
            // The caller has read until the ClientHello was complete or invalid, or the peer ended the transport.
            ClientHelloStatus status = ClientHelloReader.TryRead(new ReadOnlySequence<byte>(received), options.ExtensionType, options.MaxClientHelloLength, out ClientHelloInfo? info);
            await RefuseOthersAsync(transport, status, options, cancellationToken).ConfigureAwait(false);
            return info ?? throw Incomplete();
        }

        while (true)
        {
            ReadResult result;
            try
            {
                result = await transport.Input.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                throw TransportFailure.Of(e, cancellationToken);
            }

            ClientHelloStatus status = ClientHelloReader.TryRead(result.Buffer, options.ExtensionType, options.MaxClientHelloLength, out ClientHelloInfo? info);
            bool needsMore = status == ClientHelloStatus.NeedMore;
            transport.Input.AdvanceTo(result.Buffer.Start, needsMore ? result.Buffer.End : result.Buffer.Start);
            await RefuseOthersAsync(transport, status, options, cancellationToken).ConfigureAwait(false);
            if (info is not null)
            {
                return info;
            }

            if (result.IsCanceled)
            {
                throw new IOException("The read of the transport was canceled.");
            }

            if (result.IsCompleted)
            {
                throw Incomplete();
            }
        }
    }

    private static IOException Incomplete() => new("The peer ended the transport before its ClientHello was complete.");

    /// <summary>Refuses a client whose first bytes are not a ClientHello, or one that is too long.</summary>
    private static async ValueTask RefuseOthersAsync(IDuplexPipe transport, ClientHelloStatus status, TlsServerOptions options, CancellationToken cancellationToken)
    {
        switch (status)
        {
            case ClientHelloStatus.NotTls:
                throw await RefuseAsync(transport, TlsAlert.DecodeError, "The client did not send a TLS ClientHello.", null, cancellationToken).ConfigureAwait(false);
            case ClientHelloStatus.TooLong:
                throw await RefuseAsync(transport, TlsAlert.IllegalParameter, $"The ClientHello is longer than MaxClientHelloLength ({options.MaxClientHelloLength} bytes).", null, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends an unencrypted alert, and creates the exception to throw.</summary>
    private static async ValueTask<AuthenticationException> RefuseAsync(
        IDuplexPipe transport, TlsAlert alert, string details, Exception? cause, CancellationToken cancellationToken)
    {
        try
        {
            // A record of type alert (21), version TLS 1.2, with the two bytes fatal (2) and the description.
            transport.Output.Write<byte>([21, 3, 3, 0, 2, 2, (byte)alert]);
            await transport.Output.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The caller gets the reason of the refusal, not this failure.
        }

        var inner = new TlsAlertException(alert, isReceived: false, details, cause);
        return new AuthenticationException($"The TLS handshake failed. {inner.Message}", inner);
    }
}
