using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;
using MtaTls.Tls;

namespace MtaTls.FunctionalTests.Server;

/// <summary><c>UseMtaTls()</c> alone adds MTA-TLS to every HTTPS endpoint with that endpoint's own settings, and to no other endpoint.</summary>
public sealed class EndpointTests
{
    [Fact]
    public async Task An_endpoint_with_UseHttps_in_code_speaks_MTA_TLS_with_its_own_certificate()
    {
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal(TestCertificates.Server.Thumbprint, client.Tls.RemoteCertificate!.Thumbprint);
        Assert.Equal("hello", await client.GetAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task UseMtaTls_may_be_called_before_or_after_ConfigureKestrel(bool first)
    {
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            if (first)
            {
                builder.WebHost.UseMtaTls();
            }

            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e => e.UseHttps(TestCertificates.Server)));
            if (!first)
            {
                builder.WebHost.UseMtaTls();
            }
        });
        Assert.True(await RawClient.IsNegotiatedAsync(app.Port));
    }

    // For UseHttps(certificate), Kestrel's callbacks come in another order. Pairing by order once served the wrong certificate.
    [Fact]
    public async Task Each_of_many_endpoints_serves_its_own_certificate()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.ConfigureKestrel(k =>
                {
                    k.ConfigureHttpsDefaults(o => o.ServerCertificate = TestCertificates.Server);
                    k.Listen(IPAddress.Loopback, 0, e => e.UseHttps(TestCertificates.OtherServer));
                    k.Listen(IPAddress.Loopback, 0, e => e.UseHttps());
                    k.Listen(IPAddress.Loopback, 0, e => e.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = TestCertificates.RsaServer }));
                    k.Listen(IPAddress.Loopback, 0, e => e.UseHttps(o => o.ServerCertificateSelector = (_, _) => TestCertificates.OtherServer));
                    k.Listen(IPAddress.Loopback, 0);
                });
                builder.WebHost.UseMtaTls();
            },
            settings: new()
            {
                ["Kestrel:Endpoints:FromFile:Url"] = "https://127.0.0.1:0",
                ["Kestrel:Endpoints:FromFile:Certificate:Path"] = "other.pem",
                ["Kestrel:Endpoints:FromFile:Certificate:KeyPath"] = "other.key",
                ["Kestrel:Endpoints:FromDefaults:Url"] = "https://127.0.0.1:0",
            },
            files: root => PemFiles.Write(root, "other", TestCertificates.ServerBelowIntermediate));
        // Endpoints in code first, then those of the configuration, by name.
        X509Certificate2?[] expected =
        [
            TestCertificates.OtherServer, TestCertificates.Server, TestCertificates.RsaServer, TestCertificates.OtherServer, null,
            TestCertificates.Server, TestCertificates.ServerBelowIntermediate,
        ];
        Assert.Equal(expected.Length, app.Ports.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i] is not { } certificate)
            {
                continue;
            }

            await using RawClient client = await RawClient.HandshakeAsync(app.Ports[i], o =>
            {
                o.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null;
            });
            Assert.True(client.Tls.DataMultiplexingNegotiated);
            Assert.Equal(certificate.Thumbprint, client.Tls.RemoteCertificate!.Thumbprint);
        }

        using HttpClient plain = new();
        Assert.Equal("hello", await plain.GetStringAsync(new Uri($"http://127.0.0.1:{app.Ports[4]}/")));
        Assert.Empty(app.Warnings);
    }

    [Fact]
    public async Task URLs_get_the_settings_of_Kestrels_defaults()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.UseUrls("https://127.0.0.1:0", "http://127.0.0.1:0");
                builder.WebHost.UseMtaTls();
                builder.WebHost.ConfigureKestrel(k => k.ConfigureHttpsDefaults(o => o.ClientCertificateMode = ClientCertificateMode.RequireCertificate));
            },
            settings: new() { ["Kestrel:Certificates:Default:Path"] = "default.pem", ["Kestrel:Certificates:Default:KeyPath"] = "default.key" },
            files: root => PemFiles.Write(root, "default", TestCertificates.Server));
        await using RawClient client = await RawClient.HandshakeAsync(app.Port);
        Assert.Equal(TestCertificates.Server.Thumbprint, client.Tls.RemoteCertificate!.Thumbprint);
        // In TLS 1.3 the server's alert about the missing certificate comes with the first read.
        await Assert.ThrowsAsync<IOException>(async () => await client.Tls.ReadAsync(new byte[1]).Soon());
    }

    [Fact]
    public async Task The_applications_own_endpoint_defaults_are_kept()
    {
        int seen = 0;
        await using TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.UseMtaTls();
                builder.WebHost.UseUrls("https://127.0.0.1:0");
                builder.WebHost.ConfigureKestrel(k =>
                {
                    k.ConfigureEndpointDefaults(e =>
                    {
                        seen++;
                        e.Protocols = HttpProtocols.Http1;
                    });
                    k.ConfigureHttpsDefaults(o => o.ServerCertificate = TestCertificates.Server);
                });
            });
        Assert.Equal(1, seen);
        await using RawClient client = await RawClient.HandshakeAsync(app.Port, o => o.ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11]);
        Assert.True(client.Tls.DataMultiplexingNegotiated);
        Assert.Equal("http/1.1"u8.ToArray(), client.Tls.ApplicationProtocol.ToArray());
    }

    [Fact]
    public async Task UseHttps_in_the_endpoint_defaults_is_found_too()
    {
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseMtaTls();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.WebHost.ConfigureKestrel(k => k.ConfigureEndpointDefaults(e => e.UseHttps(TestCertificates.Server)));
        });
        Assert.True(await RawClient.IsNegotiatedAsync(app.Port));
    }

    public static TheoryData<string, Action<ListenOptions>> LeftToKestrel => new()
    {
        { "OnAuthenticate", e => e.UseHttps(o => (o.ServerCertificate, o.OnAuthenticate) = (TestCertificates.Server, static (_, _) => { })) },
        { "DelayCertificate", e => e.UseHttps(o => (o.ServerCertificate, o.ClientCertificateMode) = (TestCertificates.Server, ClientCertificateMode.DelayCertificate)) },
        {
            "TlsHandshakeCallbackOptions",
            e => e.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = static _ => ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificate = TestCertificates.Server }),
            })
        },
#pragma warning disable SYSLIB0039, CA5397 // The test needs the old version.
        { "SslProtocols", e => e.UseHttps(o => (o.ServerCertificate, o.SslProtocols) = (TestCertificates.Server, System.Security.Authentication.SslProtocols.Tls11)) },
#pragma warning restore SYSLIB0039, CA5397
    };

    [Fact]
    public async Task Settings_that_Kestrel_does_not_show_can_be_given_in_code()
    {
        await using TestApp app = await TestApp.StartBareAsync(builder => builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e =>
        {
            e.UseMtaTls(o => o.Https = new HttpsConnectionAdapterOptions { ServerCertificate = TestCertificates.Server });
            e.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = static _ => ValueTask.FromResult(new SslServerAuthenticationOptions { ServerCertificate = TestCertificates.RsaServer }),
            });
        })));
        Assert.Empty(app.Warnings);
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal(TestCertificates.Server.Thumbprint, client.Tls.RemoteCertificate!.Thumbprint);
        Assert.Equal("hello", await client.GetAsync());
        Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Port));
    }

    [Fact]
    public async Task Channel_routes_without_UseMtaTls_of_the_host_are_an_error()
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => TestApp.StartBareAsync(
            builder => builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e => e.UseMtaTls().UseHttps(TestCertificates.Server))),
            settings: new() { ["MtaTls:Channels:0:Action"] = "Reject" }));
        Assert.Contains("builder.WebHost.UseMtaTls()", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(LeftToKestrel))]
    public async Task With_settings_that_cannot_be_applied_an_endpoint_remains_HTTPS_with_a_warning(string named, Action<ListenOptions> listen)
    {
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseMtaTls();
            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, listen));
        });
        Assert.Contains(named, Assert.Single(app.Warnings), StringComparison.Ordinal);
        Assert.Equal(app.Warnings, app.Messages("EndpointLeftToKestrel"));
        if (named != "SslProtocols")
        {
            Assert.False(await RawClient.IsNegotiatedAsync(app.Port));
            Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Port));
        }
    }

    [Theory]
    [MemberData(nameof(LeftToKestrel))]
    public async Task If_MTA_TLS_is_required_and_impossible_the_server_does_not_start(string named, Action<ListenOptions> listen)
    {
        InvalidOperationException e = await Assert.ThrowsAsync<InvalidOperationException>(() => TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseMtaTls(o => o.EndpointDefaults.Mode = DataMultiplexingMode.Required);
            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, listen));
        }));
        Assert.Contains(named, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endpoint_with_an_Sni_section_is_left_to_Kestrel()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder => builder.WebHost.UseMtaTls(),
            settings: new()
            {
                ["Kestrel:Endpoints:Named:Url"] = "https://127.0.0.1:0",
                ["Kestrel:Endpoints:Named:Sni:localhost:Certificate:Path"] = "named.pem",
                ["Kestrel:Endpoints:Named:Sni:localhost:Certificate:KeyPath"] = "named.key",
            },
            files: root => PemFiles.Write(root, "named", TestCertificates.Server));
        Assert.Contains("Sni", Assert.Single(app.Warnings), StringComparison.Ordinal);
        Assert.False(await RawClient.IsNegotiatedAsync(app.Port));
    }

    // A connection filter must still see connections, not channels. MTA-TLS comes after it, right before HTTPS.
    [Fact]
    public async Task Connection_middleware_before_UseHttps_runs_once_for_a_session()
    {
        int connections = 0;
        await using TestApp app = await TestApp.StartAsync(a => a.MapGet("/", () => "hello"), listen: e => e.Use(next => async connection =>
        {
            Interlocked.Increment(ref connections);
            await next(connection);
        }));
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await client.GetAsync());
        Assert.Equal("hello", await client.GetAsync());
        Assert.Equal(1, connections);
    }

    [Fact]
    public async Task Connection_middleware_after_UseHttps_runs_for_each_channel()
    {
        int connections = 0;
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseMtaTls();
            builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e =>
            {
                e.UseHttps(TestCertificates.Server);
                e.Use(next => async connection =>
                {
                    Interlocked.Increment(ref connections);
                    await next(connection);
                });
            }));
        });
        await using RawClient client = await RawClient.ConnectAsync(app.Port);
        await client.GetAsync();
        await client.GetAsync();
        Assert.Equal(2, connections);
    }

    [Fact]
    public async Task Middleware_that_a_configured_endpoint_adds_before_HTTPS_leaves_it_to_Kestrel()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.UseMtaTls();
                builder.WebHost.ConfigureKestrel((context, k) =>
                {
                    k.ConfigureHttpsDefaults(o => o.ServerCertificate = TestCertificates.Server);
                    k.Configure(context.Configuration.GetSection("Kestrel")).Endpoint("Filtered", e => e.ListenOptions.Use(next => next));
                });
            },
            settings: new() { ["Kestrel:Endpoints:Filtered:Url"] = "https://127.0.0.1:0" });
        Assert.Contains("middleware", Assert.Single(app.Warnings), StringComparison.Ordinal);
        Assert.False(await RawClient.IsNegotiatedAsync(app.Port));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ListenOptions_UseMtaTls_alone_is_enough_on_either_side_of_UseHttps(bool before)
    {
        await using TestApp app = await TestApp.StartBareAsync(builder => builder.WebHost.ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0, e =>
            {
                if (before)
                {
                    e.UseMtaTls(o => o.Name = "Mine");
                }

                e.UseHttps(TestCertificates.Server);
                if (!before)
                {
                    e.UseMtaTls(o => o.Name = "Mine");
                }
            });
            k.Listen(IPAddress.Loopback, 0, e => e.UseHttps(TestCertificates.Server));
        }));
        await using RawClient client = await RawClient.ConnectAsync(app.Ports[0]);
        Assert.Equal("hello", await client.GetAsync());
        Assert.False(await RawClient.IsNegotiatedAsync(app.Ports[1]));
    }

    [Fact]
    public async Task ListenOptions_UseMtaTls_overrides_the_mode_of_one_endpoint()
    {
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseMtaTls();
            builder.WebHost.ConfigureKestrel(k =>
            {
                k.Listen(IPAddress.Loopback, 0, e => e.UseMtaTls(o => o.Mode = DataMultiplexingMode.Disabled).UseHttps(TestCertificates.Server));
                k.Listen(IPAddress.Loopback, 0, e => e.UseHttps(TestCertificates.Server));
            });
        });
        Assert.False(await RawClient.IsNegotiatedAsync(app.Ports[0]));
        Assert.True(await RawClient.IsNegotiatedAsync(app.Ports[1]));
        Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Ports[0]));
    }

    [Fact]
    public async Task Localhost_and_any_address_are_reached_in_both_families()
    {
        int port = FreePort.Find();
        await using TestApp app = await TestApp.StartBareAsync(builder =>
        {
            builder.WebHost.UseMtaTls();
            builder.WebHost.ConfigureKestrel(k => k.ListenLocalhost(port, e => e.UseHttps(TestCertificates.Server)));
        });
        Assert.True(await RawClient.IsNegotiatedAsync(port));
    }

    [Fact]
    public async Task Endpoints_of_MtaTls_are_added_to_those_in_code_and_override_URLs()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.UseUrls("http://127.0.0.1:0");
                builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, e => e.UseHttps(TestCertificates.Server)));
                builder.WebHost.UseMtaTls();
            },
            settings: new()
            {
                ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0",
                ["MtaTls:Endpoints:Public:Certificate:Path"] = "public.pem",
                ["MtaTls:Endpoints:Public:Certificate:KeyPath"] = "public.key",
                ["MtaTls:Endpoints:Inner:Url"] = "https://127.0.0.1:0",
                ["MtaTls:Endpoints:Inner:Mode"] = "Required",
                ["MtaTls:Endpoints:Inner:Protocols"] = "Http2",
                ["MtaTls:Endpoints:Inner:ClientCertificateMode"] = "RequireCertificate",
                ["MtaTls:Endpoints:Inner:SslProtocols:0"] = "Tls12",
                ["Kestrel:Certificates:Default:Path"] = "default.pem",
                ["Kestrel:Certificates:Default:KeyPath"] = "default.key",
            },
            files: root =>
            {
                PemFiles.Write(root, "public", TestCertificates.Server);
                PemFiles.Write(root, "default", TestCertificates.RsaServer);
            });
        Assert.Equal(3, app.Ports.Length);
        // The endpoint in code does not change.
        Assert.Equal("hello", await OrdinaryClient.GetAsync(app.Ports[0]));
        Assert.False(await RawClient.IsNegotiatedAsync(app.Ports[0]));

        // The configuration orders them by name.
        int inner = app.Ports[1], @public = app.Ports[2];
        await using RawClient client = await RawClient.ConnectAsync(@public);
        Assert.Equal(TestCertificates.Server.Thumbprint, client.Tls.RemoteCertificate!.Thumbprint);
        Assert.Equal("hello", await client.GetAsync());
        Assert.Equal("hello", await OrdinaryClient.GetAsync(@public));

        await Assert.ThrowsAnyAsync<Exception>(() => OrdinaryClient.GetAsync(inner));
        await Assert.ThrowsAsync<System.Security.Authentication.AuthenticationException>(() => RawClient.HandshakeAsync(inner, o => o.ApplicationProtocols = [SslApplicationProtocol.Http2]));
    }

    [Fact]
    public async Task Preferred_hosting_URLs_override_MtaTls_Endpoints_as_they_do_Kestrels()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder =>
            {
                builder.WebHost.UseUrls("http://127.0.0.1:0").PreferHostingUrls(true);
                builder.WebHost.UseMtaTls();
            },
            settings: new() { ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0" },
            environment: "Development");
        using HttpClient plain = new();
        Assert.Equal("hello", await plain.GetStringAsync(new Uri($"http://127.0.0.1:{Assert.Single(app.Ports)}/")));
    }

    [Fact]
    public async Task In_Development_a_certificate_is_generated_with_a_warning()
    {
        await using TestApp app = await TestApp.StartBareAsync(
            builder => builder.WebHost.UseMtaTls(), settings: new() { ["MtaTls:Endpoints:Public:Url"] = "https://127.0.0.1:0" }, environment: "Development");
        await using RawClient client = await RawClient.HandshakeAsync(app.Port, o => o.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null);
        Assert.True(client.Tls.DataMultiplexingNegotiated);
        if (app.Warnings.Length == 0)
        {
            // This machine has a development certificate.
            Assert.Contains(client.Tls.RemoteCertificate!.Extensions, e => e.Oid!.Value == "1.3.6.1.4.1.311.84.1.1");
            return;
        }

        Assert.Contains("MtaTls:Endpoints:Public:Certificate", Assert.Single(app.Warnings), StringComparison.Ordinal);
        Assert.Contains(client.Tls.RemoteCertificate!.Thumbprint, Assert.Single(app.Messages("CertificateGenerated")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_errors_of_the_configuration_are_reported_at_once_with_their_keys()
    {
        OptionsValidationException e = await Assert.ThrowsAsync<OptionsValidationException>(() => TestApp.StartBareAsync(
            builder => builder.WebHost.UseMtaTls(),
            settings: new()
            {
                ["MtaTls:ExtensionType"] = "65536",
                ["MtaTls:Endpoints:One:Url"] = "http://127.0.0.1:0",
                ["MtaTls:Endpoints:One:Mode"] = "Sometimes",
                ["MtaTls:Endpoints:Two:Protocols"] = "Http9",
                ["MtaTls:Endpoints:Two:Certificate:Path"] = "missing.pem",
                ["MtaTls:Limits:MaxPendingChannels"] = "0",
                ["MtaTls:Limits:HandshakeTimeout"] = "soon",
            }));
        foreach (string key in (string[])["MtaTls:ExtensionType", "MtaTls:Endpoints:One:Url", "MtaTls:Endpoints:One:Mode", "MtaTls:Endpoints:Two:Url", "MtaTls:Endpoints:Two:Protocols",
            "MtaTls:Endpoints:Two:Certificate:Path", "MtaTls:Limits:MaxPendingChannels", "MtaTls:Limits:HandshakeTimeout"])
        {
            Assert.Contains($"{key}: ", e.Message, StringComparison.Ordinal);
        }
    }
}
