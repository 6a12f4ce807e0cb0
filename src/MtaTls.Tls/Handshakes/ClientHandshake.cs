using System.Globalization;
using System.IO.Pipelines;
using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Handshakes;

/// <summary>Runs TLS handshakes as a client.</summary>
internal static class ClientHandshake
{
    public static async ValueTask<TlsConnection> ConnectAsync(IDuplexPipe transport, TlsClientContext context, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(context.Native.IsClosed, context);
        string? serverName = context.ServerName;
        var connection = new TlsConnection { ServerName = serverName };
        var role = new ClientRole(context, connection);
        SslHandle ssl = role.MayWait
            ? await DedicatedThread.RunAsync(() => MakeSsl(context, role, serverName), cancellationToken).ConfigureAwait(false)
            : MakeSsl(context, role, serverName);
        var pump = new SslPump(ssl, role, transport);
        try
        {
            await pump.HandshakeAsync(cancellationToken).ConfigureAwait(false);
            if (context.Options.RequireDataMultiplexing && !role.Negotiated)
            {
                await pump.CloseAsync(cancellationToken).ConfigureAwait(false);
                throw new AuthenticationException("The server does not support MTA-TLS: it did not answer the data_multiplexing extension, which this client requires.");
            }

            connection.Complete(pump);
            return connection;
        }
        catch
        {
            pump.Dispose();
            throw;
        }
    }

    /// <summary>Returns the name to send as server_name, in ASCII and without the trailing dot; null for an IP address and for an invalid or empty name.</summary>
    public static string? ToServerName(string targetHost)
    {
        if (targetHost.Length == 0 || Uri.CheckHostName(targetHost) is UriHostNameType.IPv4 or UriHostNameType.IPv6)
        {
            return null;
        }

        try
        {
            return new IdnMapping { UseStd3AsciiRules = false }.GetAscii(targetHost.TrimEnd('.')).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            // Not a DNS name: it is not sent, and no certificate will match it.
            return null;
        }
    }

    private static SslHandle MakeSsl(TlsClientContext context, ClientRole role, string? serverName)
    {
        var handle = new SslHandle(context.Native);
        try
        {
            nint ssl = handle.DangerousGetHandle();
            if (serverName is not null)
            {
                nint name = Marshal.StringToCoTaskMemUTF8(serverName);
                int result = LibSsl.SSL_ctrl(ssl, LibSsl.CtrlSetServerName, 0, name);
                Marshal.FreeCoTaskMem(name);
                OpenSslErrors.ThrowIf(result != 1, "SSL_set_tlsext_host_name");
            }

            OfferProtocols(ssl, context.Options.ApplicationProtocols);
            using SslSessionHandle? session = role.TakeSession();
            if (session is not null)
            {
                OpenSslErrors.ThrowIf(LibSsl.SSL_set_session(ssl, session.DangerousGetHandle()) != 1, "SSL_set_session");
            }

            LibSsl.SSL_set_connect_state(ssl);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static unsafe void OfferProtocols(nint ssl, IList<SslApplicationProtocol> protocols)
    {
        if (protocols.Count == 0)
        {
            return;
        }

        var list = new List<byte>();
        foreach (SslApplicationProtocol protocol in protocols)
        {
            list.Add((byte)protocol.Protocol.Length);
            list.AddRange(protocol.Protocol.Span);
        }

        fixed (byte* start = CollectionsMarshal.AsSpan(list))
        {
            // Unlike the other functions of OpenSSL, this one returns 0 on success.
            OpenSslErrors.ThrowIf(LibSsl.SSL_set_alpn_protos(ssl, start, (uint)list.Count) != 0, "SSL_set_alpn_protos");
        }
    }
}
