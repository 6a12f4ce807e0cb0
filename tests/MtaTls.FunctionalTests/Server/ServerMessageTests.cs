using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging.Testing;
using MtaTls.FunctionalTests.Routing;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Server;

/// <summary>Rows of the troubleshooting page that have no other test: the symptom is brought about, and the log names what the page says.</summary>
public sealed class ServerMessageTests
{
    [Fact]
    public async Task Keys_that_are_written_are_a_warning_with_their_file_once()
    {
        string path = Path.Combine(Path.GetTempPath(), $"mtatls-keys-{Guid.NewGuid():N}.log");
        try
        {
            await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), o => o.KeyLogFile = path);
            await using RawClient client = await RawClient.ConnectAsync(app.Port);
            Assert.Equal("hello", await client.GetAsync());
            Assert.Contains(path, Assert.Single(await app.LoggedAsync("KeysAreLogged")), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task An_endpoint_that_has_no_certificate_for_a_handshake_is_an_error_with_the_exception()
    {
        HttpsConnectionAdapterOptions? https = null;
        await using TestApp app = await TestApp.StartAsync(static a => a.MapGet("/", () => "hello"), https: o => https = o);
        Assert.True(await RawClient.IsNegotiatedAsync(app.Port));
        https!.ServerCertificate = null;
        await Assert.ThrowsAnyAsync<Exception>(() => RawClient.HandshakeAsync(app.Port));
        await app.LoggedAsync("HandshakeImpossible");
        FakeLogRecord record = app.Logs.GetSnapshot().First(static r => r.Id.Name == "HandshakeImpossible");
        Assert.Equal(LogLevel.Error, record.Level);
        Assert.Contains("no server certificate", record.Exception!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_callback_of_the_application_that_throws_is_an_error_and_ends_nothing_else()
    {
        await using TestApp app = await TestApp.StartAsync(
            static a =>
            {
                a.MapGet("/", () => "hello");
                a.MapGet("/throwing", static (HttpContext context) =>
                {
                    context.Features.Get<IConnectionLifetimeFeature>()!.ConnectionClosed.Register(static () => throw new InvalidOperationException("callback of a channel"));
                    return "registered";
                });
            },
            listen: static endpoint => endpoint.Use(static next => connection =>
            {
                connection.ConnectionClosed.Register(static () => throw new InvalidOperationException("callback of a connection"));
                return next(connection);
            }));
        await using (RawClient client = await RawClient.ConnectAsync(app.Port))
        {
            await using (HttpChannel channel = await client.OpenAsync())
            {
                Assert.Equal("registered", (await channel.GetAsync("/throwing")).Body);
            }

            Assert.Contains("callback of a channel", await ExceptionAsync(app, "ChannelCallbackFailed"), StringComparison.Ordinal);
            Assert.Equal("hello", await client.GetAsync());
        }

        Assert.Contains("callback of a connection", await ExceptionAsync(app, "ConnectionClosedCallbackFailed"), StringComparison.Ordinal);
        await using RawClient other = await RawClient.ConnectAsync(app.Port);
        Assert.Equal("hello", await other.GetAsync());
    }

    private static async Task<string> ExceptionAsync(TestApp app, string eventName)
    {
        await app.LoggedAsync(eventName);
        return app.Logs.GetSnapshot().First(r => r.Id.Name == eventName).Exception!.ToString();
    }
}
