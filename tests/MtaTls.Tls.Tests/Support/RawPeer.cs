using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using MtaTls.Tls.Certificates;
using MtaTls.Tls.Handshakes;
using MtaTls.Tls.OpenSsl;

namespace MtaTls.Tls.Tests.Support;

/// <summary>A peer that uses OpenSSL's own support for custom extensions: it offers or answers any body, and stores what the other end sends.</summary>
internal sealed class RawPeer : SslRole, IDisposable
{
    public const ushort ExtensionType = TlsTest.ExtensionType;

    private const uint Contexts = LibSsl.ExtensionInClientHello | LibSsl.ExtensionInTls12ServerHello | LibSsl.ExtensionInEncryptedExtensions;

    // OpenSSL can keep a pointer to the body until it has written the message.
    private readonly nint _body = Marshal.AllocHGlobal(1);
    private readonly int _bodyLength;
    private readonly SslContextHandle _context;

    private unsafe RawPeer(bool server, SslProtocols version, int bodyLength)
    {
        _bodyLength = bodyLength;
        _context = server
            ? SslContexts.ForServer(TlsTest.ServerOptions(version, o => o.Mode = DataMultiplexingMode.Disabled), logKeys: false)
            : SslContexts.ForClient(TlsTest.ClientOptions(version, o => o.ExtensionType = 65000), logKeys: false);
        Assert.Equal(1, LibSsl.SSL_CTX_add_custom_ext(_context.DangerousGetHandle(), ExtensionType, Contexts, &Add, 0, 0, &Parse, 0));
    }

    /// <summary>In which messages the other end's extension came, and its length.</summary>
    public List<(uint Context, int Length)> Seen { get; } = [];

    public static RawPeer Server(SslProtocols version, int bodyLength) => new(server: true, version, bodyLength);

    public static RawPeer Client(SslProtocols version, int bodyLength) => new(server: false, version, bodyLength);

    public async Task<SslPump> HandshakeAsync(IDuplexPipe pipe, bool server)
    {
        var ssl = new SslHandle(_context);
        if (server)
        {
            new CertificateContext(TestCertificates.Server, null).Use(ssl.DangerousGetHandle());
            LibSsl.SSL_set_accept_state(ssl.DangerousGetHandle());
        }
        else
        {
            LibSsl.SSL_set_connect_state(ssl.DangerousGetHandle());
        }

        var pump = new SslPump(ssl, this, pipe);
        await pump.HandshakeAsync(TlsTest.Timeout());
        return pump;
    }

    public override bool AddExtension() => false;

    public override bool ParseExtension(int length) => throw new NotSupportedException();

    public override void HandshakeDone(bool resumed)
    {
    }

    public override bool KeepSession(nint ssl, nint session) => false;

    public override void DropSession(nint session)
    {
    }

    public override void ForbidResumption()
    {
    }

    public override void WriteKeyLog(ReadOnlySpan<byte> line)
    {
    }

    public void Dispose()
    {
        _context.Dispose();
        Marshal.FreeHGlobal(_body);
    }

    protected override CertificateValidationResult ValidatePeer(PeerCertificates peer) => CertificateValidationResult.Accepted;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int Add(nint ssl, uint type, uint context, byte** body, nuint* length, nint certificate, nuint index, int* alert, nint argument)
    {
        var peer = (RawPeer)SslPump.Current!.Role;
        *body = (byte*)peer._body;
        *length = (nuint)peer._bodyLength;
        return peer._bodyLength < 0 ? 0 : 1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int Parse(nint ssl, uint type, uint context, byte* body, nuint length, nint certificate, nuint index, int* alert, nint argument)
    {
        ((RawPeer)SslPump.Current!.Role).Seen.Add((context, (int)length));
        return 1;
    }
}
