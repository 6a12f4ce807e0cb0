using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using MtaTls.Client;

namespace MtaTls.Stress.Soak;

/// <summary>The kinds of work. Each chooses its actions at random, checks every byte of the response, and throws if one is wrong.</summary>
internal static class Work
{
    public static readonly (string Name, int Weight, bool NeedsChannels, Func<Caller, Random, CancellationToken, Task> RunAsync)[] Kinds =
    [
        ("keep-alive", 30, false, static (caller, random, hang) => GetAsync(caller, random, Size(random, 4_000), false, hang)),
        ("one-shot", 8, false, static (caller, random, hang) => GetAsync(caller, random, Size(random, 4_000), true, hang)),
        ("download", 6, false, static (caller, random, hang) => GetAsync(caller, random, Size(random, 3_000_000), false, hang)),
        ("upload", 8, false, UploadAsync),
        ("echo", 4, false, EchoAsync),
        ("websocket", 6, false, WebSocketAsync),
        ("client aborts download", 4, false, AbortDownloadAsync),
        ("client aborts upload", 4, false, AbortUploadAsync),
        ("server aborts", 4, false, ServerAbortsAsync),
        ("time-out", 4, false, TimeOutAsync),
        ("tcp route", 4, true, TcpRouteAsync),
        ("silent channel", 4, true, SilentChannelAsync),
    ];

    /// <summary>Whether a reset session or an abort of the server may cause the failure. Every other failure is a defect.</summary>
    public static bool IsClear(Exception e) => e is HttpRequestException or IOException or WebSocketException;

    private static async Task GetAsync(Caller caller, Random random, long size, bool oneShot, CancellationToken hang)
    {
        long seed = random.Next();
        using HttpRequestMessage request = Request(caller, random, HttpMethod.Get, $"/bytes/{seed}/{size}");
        request.Headers.ConnectionClose = oneShot && request.Version.Major == 1;
        using HttpResponseMessage response = await SendAsync(caller, request, hang);
        await CheckAsync(response, seed, size, size, hang);
    }

    private static async Task UploadAsync(Caller caller, Random random, CancellationToken hang)
    {
        long seed = random.Next(), size = Size(random, 2_000_000);
        // PUT is idempotent, but its content cannot be read again, so only the caller could retry it.
        using HttpRequestMessage request = Request(caller, random, random.Next(2) == 0 ? HttpMethod.Put : HttpMethod.Post, "/hash");
        request.Content = new StreamContent(new PayloadStream(seed, size));
        if (random.Next(2) == 0)
        {
            request.Content.Headers.ContentLength = size;
        }

        using HttpResponseMessage response = await SendAsync(caller, request, hang);
        Same(Payload.Hash(seed, size), await response.Content.ReadAsStringAsync(hang), "The server has hashed other bytes");
    }

    private static async Task EchoAsync(Caller caller, Random random, CancellationToken hang)
    {
        // Over HTTP/1.1 HttpClient reads nothing before everything is sent, so more data than all windows and buffers hold would cause a deadlock.
        long seed = random.Next(), size = Size(random, 60_000);
        using HttpRequestMessage request = Request(caller, random, HttpMethod.Post, "/echo");
        request.Content = new StreamContent(new PayloadStream(seed, size));
        using HttpResponseMessage response = await SendAsync(caller, request, hang);
        await CheckAsync(response, seed, size, size, hang);
    }

    private static async Task WebSocketAsync(Caller caller, Random random, CancellationToken hang)
    {
        using ClientWebSocket socket = new();
        await socket.ConnectAsync(new Uri($"wss://{caller.Host}/ws"), caller.Http1, hang);
        byte[] buffer = new byte[20_000];
        for (int messages = random.Next(1, 8); messages > 0; messages--)
        {
            byte[] sent = Payload.ToArray(random.Next(), random.Next(1, buffer.Length));
            await socket.SendAsync(sent, WebSocketMessageType.Binary, true, hang);
            int received = 0;
            while (received < sent.Length)
            {
                received += (await socket.ReceiveAsync(buffer.AsMemory(received), hang)).Count;
            }

            Same(Convert.ToHexString(SHA256.HashData(sent)), Convert.ToHexString(SHA256.HashData(buffer.AsSpan(0, received))), "A message was changed on its way");
        }

        if (random.Next(4) == 0)
        {
            socket.Abort();
        }
        else
        {
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, hang);
        }
    }

    private static async Task AbortDownloadAsync(Caller caller, Random random, CancellationToken hang)
    {
        long seed = random.Next(), size = 200_000 + random.Next(5_000_000);
        using HttpRequestMessage request = Request(caller, random, HttpMethod.Get, $"/bytes/{seed}/{size}");
        using HttpResponseMessage response = await SendAsync(caller, request, hang);
        // Disposes the response with the rest unread.
        await CheckAsync(response, seed, size, random.Next(150_000), hang);
    }

    private static async Task AbortUploadAsync(Caller caller, Random random, CancellationToken hang)
    {
        long seed = random.Next(), size = 50_000 + random.Next(1_000_000);
        using HttpRequestMessage request = Request(caller, random, HttpMethod.Post, "/hash");
        request.Content = new StreamContent(new PayloadStream(seed, size, stopAt: size / 2));
        await GiveUpAsync(caller, request, random, hang);
    }

    private static async Task TimeOutAsync(Caller caller, Random random, CancellationToken hang)
    {
        using HttpRequestMessage request = Request(caller, random, HttpMethod.Get, "/never");
        await GiveUpAsync(caller, request, random, hang);
    }

    private static async Task ServerAbortsAsync(Caller caller, Random random, CancellationToken hang)
    {
        long seed = random.Next(), size = Size(random, 300_000);
        using HttpRequestMessage request = Request(caller, random, HttpMethod.Get, $"/abort/{seed}/{size}");
        try
        {
            using HttpResponseMessage response = await SendAsync(caller, request, hang);
            await CheckAsync(response, seed, size, size + 1, hang);
        }
        catch (Exception e) when (IsClear(e))
        {
            return;
        }

        throw new InvalidDataException("A response that the server has aborted appeared complete.");
    }

    private static async Task TcpRouteAsync(Caller caller, Random random, CancellationToken hang)
    {
        await using MtaTlsClientChannel channel = await caller.Client!.OpenChannelAsync("echo.internal", 7, hang);
        byte[] sent = Payload.ToArray(random.Next(), random.Next(1, 60_000)), received = new byte[sent.Length];
        await channel.WriteAsync(sent, hang);
        await channel.ReadExactlyAsync(received, hang);
        Same(Convert.ToHexString(SHA256.HashData(sent)), Convert.ToHexString(SHA256.HashData(received)), "The route's destination has answered with other bytes");
    }

    private static async Task SilentChannelAsync(Caller caller, Random random, CancellationToken hang)
    {
        await using MtaTlsClientChannel channel = await caller.Client!.OpenChannelAsync("app.internal", 443, hang);
        if (random.Next(2) == 0)
        {
            await channel.WriteAsync("GET / HT"u8.ToArray(), hang);
        }

        if (random.Next(2) == 0)
        {
            await Task.Delay(random.Next(200), hang);
        }
    }

    /// <summary>Sends a request and cancels it after a while.</summary>
    private static async Task GiveUpAsync(Caller caller, HttpRequestMessage request, Random random, CancellationToken hang)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(hang);
        timeout.CancelAfter(random.Next(1, 300));
        try
        {
            using HttpResponseMessage response = await SendAsync(caller, request, timeout.Token);
        }
        catch (OperationCanceledException) when (!hang.IsCancellationRequested)
        {
            return;
        }

        throw new InvalidDataException("A request that the server never answers got a response.");
    }

    private static HttpRequestMessage Request(Caller caller, Random random, HttpMethod method, string path) => new(method, $"https://{caller.Host}{path}")
    {
        Version = caller.Http2 is not null && random.Next(3) == 0 ? HttpVersion.Version20 : HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private static async Task<HttpResponseMessage> SendAsync(Caller caller, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response = await (request.Version.Major == 2 ? caller.Http2! : caller.Http1).SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK || response.Version != request.Version)
        {
            throw new InvalidDataException($"{request.Method} {request.RequestUri} (HTTP/{request.Version}): {(int)response.StatusCode} (HTTP/{response.Version})");
        }

        return response;
    }

    /// <summary>Reads this many bytes of the response and compares them with the payload.</summary>
    private static async Task CheckAsync(HttpResponseMessage response, long seed, long size, long count, CancellationToken hang)
    {
        await using Stream body = await response.Content.ReadAsStreamAsync(hang);
        byte[] buffer = new byte[16 * 1024], expected = new byte[16 * 1024];
        Payload payload = new(seed, size);
        using IncrementalHash actual = IncrementalHash.CreateHash(HashAlgorithmName.SHA256), right = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long received = 0;
        while (received < count)
        {
            int read = await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, count - received)), hang);
            if (read == 0)
            {
                throw new InvalidDataException($"The response ended after {received} of {size} bytes.");
            }

            int due = payload.Read(expected.AsSpan(0, read));
            actual.AppendData(buffer, 0, read);
            right.AppendData(expected, 0, due);
            received += read;
        }

        Same(Convert.ToHexString(right.GetHashAndReset()), Convert.ToHexString(actual.GetHashAndReset()), $"The first {received} bytes of the response are wrong");
        if (count == size && await body.ReadAsync(buffer, hang) != 0)
        {
            throw new InvalidDataException($"The response is longer than {size} bytes.");
        }
    }

    private static void Same(string expected, string actual, string failure)
    {
        if (expected != actual)
        {
            throw new InvalidDataException($"{failure}: the SHA-256 is {actual}, expected {expected}.");
        }
    }

    /// <summary>Returns a random size, mostly small: all orders of magnitude below the limit are equally likely.</summary>
    private static long Size(Random random, double limit) => (long)Math.Pow(limit, random.NextDouble());
}
