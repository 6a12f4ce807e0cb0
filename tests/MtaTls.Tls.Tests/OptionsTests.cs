using System.Security.Authentication;
using MtaTls.Tls.OpenSsl;
using MtaTls.Tls.Tests.Support;

namespace MtaTls.Tls.Tests;

public class OptionsTests
{
    [Fact]
    public void Defaults()
    {
        var server = new TlsServerOptions();
        Assert.Equal(65389, server.ExtensionType);
        Assert.Equal(DataMultiplexingMode.Allowed, server.Mode);
        Assert.Equal(SslProtocols.None, server.EnabledSslProtocols);
        Assert.Equal(TlsClientCertificateMode.NoCertificate, server.ClientCertificateMode);
        Assert.Equal(16_384, server.MaxClientHelloLength);
        Assert.Equal(4096, server.SessionCacheSize);
        Assert.Equal(TimeSpan.FromHours(1), server.SessionLifetime);
        Assert.Null(server.KeyLogFile);
        var client = new TlsClientOptions();
        Assert.Equal(65389, client.ExtensionType);
        Assert.True(client.OfferDataMultiplexing);
        Assert.False(client.RequireDataMultiplexing);
        Assert.Equal(4, client.SessionCacheSize);
        Assert.Null(client.KeyLogFile);
    }

    [Fact]
    public void Values_out_of_range_are_refused()
    {
        var server = new TlsServerOptions();
        var client = new TlsClientOptions();
        foreach (int value in (int[])[511, 131_073, -1, int.MaxValue])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => server.MaxClientHelloLength = value);
        }

        foreach (int value in (int[])[-1, 1_000_001])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => server.SessionCacheSize = value);
            Assert.Throws<ArgumentOutOfRangeException>(() => client.SessionCacheSize = value);
        }

        foreach (TimeSpan value in (TimeSpan[])[TimeSpan.Zero, TimeSpan.FromDays(8)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => server.SessionLifetime = value);
        }

        foreach (SslProtocols value in (SslProtocols[])[SslProtocols.Tls11, SslProtocols.Tls | SslProtocols.Tls12, (SslProtocols)(-1)])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => server.EnabledSslProtocols = value);
            Assert.Throws<ArgumentOutOfRangeException>(() => client.EnabledSslProtocols = value);
        }

        Assert.Throws<ArgumentNullException>(() => client.TargetHost = null!);
    }

    /// <summary>The setter refuses every extension type that this OpenSSL handles itself. With every other type a context can be created.</summary>
    [Fact]
    public void Extension_type_is_none_of_tls_own()
    {
        TlsEngine.ThrowIfUnsupported();
        var options = new TlsServerOptions();
        for (int type = 0; type <= ushort.MaxValue; type++)
        {
            bool refused = Record.Exception(() => options.ExtensionType = (ushort)type) is ArgumentOutOfRangeException;
            Assert.True(refused || LibSsl.SSL_extension_supported((uint)type) == 0, $"OpenSSL handles {type}.");
        }

        foreach (int type in (int[])[2, 17, 60, 65279, 65535])
        {
            using TlsServerContext context = TlsTest.Server(configure: o => o.ExtensionType = (ushort)type);
        }
    }

    [Fact]
    public void Context_takes_a_copy()
    {
        TlsServerOptions options = TlsTest.ServerOptions();
        using var context = new TlsServerContext(options);
        options.Mode = DataMultiplexingMode.Required;
        options.ApplicationProtocols.Add(System.Net.Security.SslApplicationProtocol.Http2);
        Assert.Equal(DataMultiplexingMode.Allowed, context.Options.Mode);
        Assert.Empty(context.Options.ApplicationProtocols);
    }

    [Fact]
    public void Contradictions_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new TlsServerContext(new TlsServerOptions()));
        Assert.Throws<ArgumentException>(() => new TlsClientContext(new TlsClientOptions { OfferDataMultiplexing = false, RequireDataMultiplexing = true }));
        Assert.Throws<ArgumentNullException>(() => new TlsServerContext(null!));
        Assert.Throws<ArgumentNullException>(() => new TlsClientContext(null!));
    }

    [Fact]
    public void Engine_says_what_it_runs_on()
    {
        Assert.True(TlsEngine.IsSupported);
        Assert.StartsWith("3.", TlsEngine.Version, StringComparison.Ordinal);
        TlsEngine.ThrowIfUnsupported();
    }

    [Fact]
    public void A_library_that_is_not_in_its_folder_is_named_with_the_folder()
    {
        string? failure = OpenSslLibraries.Load("/nowhere/openssl", out _, out _);
        Assert.Contains("libcrypto", failure, StringComparison.Ordinal);
        Assert.Contains("'/nowhere/openssl' (MtaTls:OpenSsl:Path)", failure, StringComparison.Ordinal);
    }
}
