using System.Security.Cryptography;
using MtaTls.AspNetCore;
using MtaTls.FunctionalTests.Support;
using MtaTls.Protocol;

namespace MtaTls.FunctionalTests.Interop;

/// <summary>Another implementation of the client with Kestrel. <c>client_cases.py</c> describes the cases.</summary>
public sealed class PeerClientTests
{
    private static readonly byte[] s_pattern = [.. Enumerable.Range(0, 251).Select(i => (byte)i)];

    public static TheoryData<string, string> Cases
    {
        get
        {
            string[] names =
            [
                "negotiation", "application_protocols", "body_not_empty", "interleaved", "octet_by_octet", "addresses", "ids", "server_opens", "download", "upload",
                "window_is_a_limit", "window_zero", "new_max_packet_length", "empty_data", "overruns", "increments_that_overflow", "closed_by_client", "closed_by_server",
                "both_write", "unread", "unconfirmed", "broken_packets", "end_of_session", "truncation", "resumption",
            ];
            TheoryData<string, string> cases = [];
            foreach (string name in names)
            {
                cases.Add(name, "1.2");
                cases.Add(name, "1.3");
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Kestrel_keeps_every_rule(string name, string version)
    {
        await using TestApp app = await TestApp.StartAsync(Map, o =>
        {
            o.Limits.InitialWindowSize = 16_384;
            o.Limits.MaxWindowSize = 65_536;
            o.Limits.MaxPacketLength = 4_096;
            o.Limits.CloseLingerTimeout = name == "unread" ? TimeSpan.FromMilliseconds(200) : Wait.Timeout;
            o.Limits.CloseTimeout = name == "unconfirmed" ? TimeSpan.FromMilliseconds(200) : Wait.Timeout;
        });
        await PeerProcess.RunClientAsync(name, version, app);
    }

    private static void Map(WebApplication app)
    {
        TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource aborted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        app.MapGet("/ping", () => "pong");
        app.MapGet("/release", () =>
        {
            release.TrySetResult();
            return "released";
        });
        app.MapGet("/aborted", async () =>
        {
            await aborted.Task;
            return "aborted";
        });
        app.MapGet("/bytes/{n:int}", async (int n, HttpContext context) =>
        {
            context.Response.ContentLength = n;
            for (int done = 0; done < n; done += s_pattern.Length)
            {
                await context.Response.BodyWriter.WriteAsync(s_pattern.AsMemory(0, Math.Min(s_pattern.Length, n - done)));
            }
        });
        app.MapGet("/forever", async context =>
        {
            try
            {
                context.Response.ContentLength = long.MaxValue;
                while (true)
                {
                    await context.Response.BodyWriter.WriteAsync(s_pattern, context.RequestAborted);
                    context.RequestAborted.ThrowIfCancellationRequested();
                }
            }
            finally
            {
                aborted.TrySetResult();
            }
        });
        app.MapPost("/hash", (Delegate)HashAsync);
        app.MapPost("/hold", async (HttpContext context) =>
        {
            await release.Task.WaitAsync(context.RequestAborted);
            return await HashAsync(context);
        });
        app.MapGet("/open", async (HttpContext context) =>
        {
            try
            {
                await using MtaTlsChannel channel = await context.Features.Get<IMtaTlsSessionFeature>()!
                    .OpenChannelAsync(new ChannelAddress("server.example", 443), new ChannelAddress("client.example", 7), context.RequestAborted);
                await using Stream stream = channel.AsStream();
                await stream.WriteAsync("hello from the server"u8.ToArray());
                return await new StreamReader(stream).ReadToEndAsync(context.RequestAborted);
            }
            catch (MtaTlsChannelRefusedException)
            {
                return "refused";
            }
        });
    }

    private static async Task<string> HashAsync(HttpContext context)
    {
        context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[10_000];
        long length = 0;
        for (int count; (count = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0; length += count)
        {
            hash.AppendData(buffer, 0, count);
        }

        return $"{length} {Convert.ToHexStringLower(hash.GetHashAndReset())}";
    }
}
